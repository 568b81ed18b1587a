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
	%D%/keyslot.c \
	%D%/keyslot.h \
	%D%/libcrypto.c \
	%D%/libcrypto.h \
	%D%/luks.c \
	%D%/luks.h \
	%D%/luks1.c \
	%D%/luks1_layout.c \
	%D%/luks1_layout.h \
	%D%/luks_change.c \
	%D%/luks_header.h
