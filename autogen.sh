#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ./autogen.sh              makes ./configure, from a fresh checkout
# ./autogen.sh TARGET...    besides that installs what is missing on this machine, configures in
#                           build/ and runs "make TARGET..." there, e.g. ./autogen.sh check
#
# In the environment: CONFIGURE_FLAGS goes to configure the first time; CHECK_VARIANTS names the
# builds that check adds, of asan, tsan and dist (see tests/variants.mk).
set -eu
cd "$(dirname "$0")"

build_packages='
	gcc                     # compiles it all
	libc6-dev
	make
	autoconf                # makes ./configure
	automake
	libtool
	pkg-config
	gettext                 # compiles and collects translations
	zlib1g-dev              # deflate, as a stream
	libdeflate-dev          # deflate, a block at a time, fast
	libzstd-dev             # zstd compressed clusters
	libisal-dev             # deflate, the fastest
	liblz4-dev              # lz4, xz and lzo compressed blocks of cloop
	liblzma-dev
	liblzo2-dev
	libjson-c-dev           # JSON reports
	libxml2-dev             # XML reports
	libssl-dev              # digests, encryption
	libargon2-dev           # keys from passphrases
	libarchive-dev          # images in archives
	libfdisk-dev            # partition tables
	libblkid-dev            # what a disk or a partition holds
	libext2fs-dev           # what an ext file system does not use
	libfuse3-dev            # shows images as files
	nbdkit-plugin-dev       # serves images to NBD clients
	libnbd-dev              # images behind NBD servers
	librbd-dev              # images on Ceph clusters
'
demo_packages='
	fdisk                   # sfdisk makes the partition table
	e2fsprogs               # mke2fs -d makes and fills the file system
	qemu-utils              # qemu-img, the independent judge
'
check_packages='
	libcriterion-dev        # unit tests
	libxml2-utils           # xmllint holds reports against their schema
	jq                      # reads JSON reports
	parallel                # runs many copies
	xz-utils                # unpacks sample images, packs the release
	libarchive-tools        # bsdtar makes archives ...
	zstd                    # ... and the others compress
	lz4
	bzip2
	xfsprogs                # file systems that share blocks ...
	btrfs-progs
	dosfstools              # ... and one that lacks nearly everything
	mtools                  # puts files into it
	cloop-utils             # judges of cloop images
	gdisk                   # sgdisk judges partition tables
	gnutls-bin              # psktool and certtool: keys for servers that demand TLS
	ntfs-3g                 # file systems whose size imgresize has to know
	f2fs-tools
	cryptsetup-bin          # LUKS images
	strace                  # kills a command at each of its writes
	time                    # tells how much memory a command took
	uml-utilities           # uml_mkcow and uml_moo read and write cow images
	libqcow-utils           # judges of qcow images ...
	python3-libqcow
	libvmdk-utils           # ... and of VMDK images
	python3-libvmdk
	fuse3                   # unmounts what imgmount shows
	nbdkit                  # loads our plugin ...
	libnbd-bin              # ... and clients of it
	python3-libnbd
	ceph-mon                # a cluster of its own ...
	ceph-mgr
	ceph-osd
	ceph-common             # ... with judges of the images on it
	qemu-block-extra
'
variant_packages='
	clang                   # the second compiler
	libclang-rt-dev         # its sanitizers and its fuzzer
'

# packages TARGET...: names of what the targets need.
packages() {
	list=$build_packages
	case " $*" in
	*demo* | *check*) list=$list$demo_packages ;;
	esac
	case " $*" in
	*check*) list=$list$check_packages ;;
	esac
	case "$*${CHECK_VARIANTS-}" in
	*asan* | *tsan*) list=$list$variant_packages ;;
	esac
	echo "$list" | sed 's/#.*//'
}

missing_packages() {
	for p in $(packages "$@"); do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q ' installed$' || echo "$p"
	done
}

# A line for people who must do it themselves, then stop.
give_up() {
	echo "autogen.sh: $1. Please install what these Debian packages hold, then try again:" >&2
	# shellcheck disable=SC2086
	echo $2 >&2
	exit 1
}

install_missing() {
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || {
		for tool in gcc make autoconf automake libtoolize pkg-config msgfmt; do
			command -v "$tool" >/dev/null ||
				give_up "$tool is missing, and this is no Debian" "$(packages "$@")"
		done
		return
	}
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	as_root=
	[ "$(id -u)" = 0 ] || as_root='sudo -n'
	$as_root true 2>/dev/null ||
		give_up 'packages are missing, and there is neither root nor sudo to install them' \
			"$missing"
	$as_root apt-get update -q -o DPkg::Lock::Timeout=300
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends -o DPkg::Lock::Timeout=300 $missing
}

# newer_than_configure: whether some build file was changed after ./configure was made.
newer_than_configure() {
	[ ! -x configure ] || [ ! -e Makefile.in ] ||
		[ -n "$(find configure.ac Makefile.am lib cmd tests po doc testdata \
			\( -name local.mk -o -name configure.ac -o -name Makefile.am \) \
			-newer configure -print -quit)" ]
}

if [ $# = 0 ]; then
	exec autoreconf -fi
fi
install_missing "$@"
! newer_than_configure || autoreconf -fi
mkdir -p build
cd build
# shellcheck disable=SC2086
[ -e Makefile ] || ../configure ${CONFIGURE_FLAGS-}
# Half as many again as there are processors: a test waits for files and servers, too.
exec make -j"$((($(nproc) * 3 + 1) / 2))" "$@"
