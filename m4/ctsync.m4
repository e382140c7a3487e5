# SPDX-License-Identifier: GPL-2.0-or-later

# CTSYNC_TRY_HARDEN(CFLAGS, LDFLAGS): adds both to HARDEN_CFLAGS and HARDEN_LDFLAGS if a program
# compiles and links with them and without a warning.
AC_DEFUN([CTSYNC_TRY_HARDEN], [
	AC_MSG_CHECKING([whether $CC takes $1 $2])
	ctsync_cflags=$CFLAGS ctsync_ldflags=$LDFLAGS
	CFLAGS="$CFLAGS -Werror $HARDEN_CFLAGS $1"
	LDFLAGS="$LDFLAGS $HARDEN_LDFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()],
		[AC_MSG_RESULT([yes])
		HARDEN_CFLAGS="$HARDEN_CFLAGS $1" HARDEN_LDFLAGS="$HARDEN_LDFLAGS $2"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$ctsync_cflags LDFLAGS=$ctsync_ldflags
])

# CTSYNC_TRY_FORTIFY: adds -D_FORTIFY_SOURCE=2 to HARDEN_CFLAGS where CFLAGS optimise, without which
# the C library warns, and do not choose a level themselves.
AC_DEFUN([CTSYNC_TRY_FORTIFY], [
	AC_MSG_CHECKING([whether to fortify the C library's calls])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
#error no
#endif
]])],
		[AC_MSG_RESULT([yes])
		HARDEN_CFLAGS="$HARDEN_CFLAGS -D_FORTIFY_SOURCE=2"],
		[AC_MSG_RESULT([no])])
])
