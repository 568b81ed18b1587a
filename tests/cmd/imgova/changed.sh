# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts about bad appliances share: the good one of the folder "folder", changed.

# changed SCRIPT: folder/web.ovf changed by sed, in the folder "bad"; the manifest would not fit.
changed() {
	rm -rf bad
	cp -r folder bad
	rm bad/web.mf
	sed -i "$1" bad/web.ovf
}
