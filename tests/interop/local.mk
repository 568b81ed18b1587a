# Scripts: shell_tests += %D%/name.sh
