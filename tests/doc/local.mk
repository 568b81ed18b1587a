# What the documents tell people to do, done as they say.

shell_tests += \
	%D%/fleet.sh
