unit_tests += %D%/test
%C%_test_LDADD = cmd/libcommon.la $(unit_ldadd)
%C%_test_SOURCES = %D%/common/size_test.c %D%/common/optlist_test.c %D%/common/print_test.c
%C%_test_SOURCES += %D%/common/progress_test.c %D%/common/set_test.c
