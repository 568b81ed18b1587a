libimg_sources += \
	%D%/af.c \
	%D%/af.h \
	%D%/choice.c \
	%D%/choice.h \
	%D%/cipher.c \
	%D%/cipher.h \
	%D%/kdf.c \
	%D%/kdf.h \
	%D%/kdf_measure.c \
	%D%/libcrypto.c \
	%D%/libcrypto.h \
	%D%/luks.h \
	%D%/luks1_layout.c \
	%D%/luks1_layout.h
