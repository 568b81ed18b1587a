# format/qcow2: add sources as libimg_sources += %D%/file.c
