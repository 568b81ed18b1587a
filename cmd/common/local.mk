# common: add sources as common_sources += %D%/file.c
