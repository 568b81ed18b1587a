unit_tests += %D%/test
%C%_test_LDADD = cmd/libcommon.la $(unit_ldadd)
%C%_test_SOURCES =
