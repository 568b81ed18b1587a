libimg_sources += \
	%D%/human.c \
	%D%/json.c \
	%D%/node.c \
	%D%/number.c \
	%D%/read.c \
	%D%/report.h \
	%D%/save.c \
	%D%/write.c \
	%D%/xml.c
