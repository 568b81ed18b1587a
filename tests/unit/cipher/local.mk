unit_tests += %D%/test
%C%_test_LDADD = $(unit_ldadd)
%C%_test_SOURCES = \
	%D%/af_test.c \
	%D%/cipher_test.c \
	%D%/headers.h \
	%D%/hex.h \
	%D%/kdf_test.c \
	%D%/luks1_layout_test.c \
	%D%/luks2_test.c \
	%D%/luks_test.c \
	%D%/provided_test.c \
	%D%/qcow_aes_test.c
