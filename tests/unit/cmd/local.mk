unit_tests += %D%/test
%C%_test_LDADD = cmd/libcommon.la $(unit_ldadd) $(ZLIB_LIBS)
%C%_test_SOURCES = %D%/common/size_test.c %D%/common/optlist_test.c %D%/common/print_test.c
%C%_test_SOURCES += %D%/common/progress_test.c %D%/common/set_test.c
%C%_test_SOURCES += $(imgbench_bricks)
%C%_test_SOURCES += %D%/imgbench/content_test.c %D%/imgbench/latency_test.c
%C%_test_SOURCES += %D%/imgbench/line_test.c %D%/imgbench/load_test.c
%C%_test_SOURCES += %D%/imgbench/trace_test.c
