# codec: add sources as libimg_sources += %D%/file.c
