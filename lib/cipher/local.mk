libimg_sources += \
	%D%/af.h \
	%D%/cipher.h \
	%D%/kdf.h \
	%D%/luks.h \
	%D%/luks1_layout.c \
	%D%/luks1_layout.h
