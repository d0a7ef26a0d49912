#!/bin/sh
# A stand-in for a program that hooks call: it writes down how it is called, and
# says that all went well, or that it did not where the file "fail" is there.
set -eu

program=${0##*/}
world=${0%/*}/..
umask 022

n=1
until (set -C && : >"$world/calls/$n") 2>/dev/null; do n=$((n + 1)); done
call=$world/calls/$n

# What is written is read once it has its name.
note() { cat >"$call.$1~" && mv "$call.$1~" "$call.$1"; }
printf '%s\0' "$program" "$@" | note argv

fails=
if [ -e "$world/fail" ]; then fails=yes; fi

http() {
	answer='{"success":true,"status":"success","id":"extauth-'$n'-id","result":{"id":"extauth-'$n'-id"}}' code=200
	if [ -n "$fails" ]; then
		answer='{"success":false,"status":"error","errors":[{"message":"refused by the stand-in"}]}' code=403
	fi
	output='' format='' strict='' previous=''
	for word; do
		case $previous in
		-o | --output) output=$word ;;
		-w | --write-out) format=$word ;;
		esac
		case $word in
		--fail | --fail-with-body) strict=yes ;;
		--* | *[!-a-zA-Z]*) ;;
		-*f*) strict=yes ;;
		esac
		case $previous$word in
		*@- | -[TK]- | --upload-file- | --config-) note stdin ;;
		esac
		previous=$word
	done
	[ -n "$fails" ] && [ -n "$strict" ] && exit 22
	if [ -n "$output" ]; then printf '%s' "$answer" >"$output"; else printf '%s' "$answer"; fi
	case $format in
	*%\{http_code\}* | *%\{response_code\}*) printf '%s' "$code" ;;
	esac
}

update() {
	while getopts 46CDdghijMok:L:lp:P:r:R:t:Tu:Vvy: option; do
		if [ "$option" = V ]; then exit 0; fi
	done
	shift $((OPTIND - 1))
	if [ $# -gt 0 ]; then note stdin <"$1"; else note stdin; fi
	if [ -n "$fails" ]; then
		echo 'update failed: REFUSED' >&2
		exit 2
	fi
	[ -e "$world/named" ] || exit 0
	# A server of our own: where it is and how it is asked is not the hook's to say.
	{
		cat "$world/named/update"
		grep -Ev '^[[:blank:]]*(server|local|key|zone|realm|(old)?gsstsig)([[:blank:]]|$)' "$call.stdin" || :
	} | "$world/named/nsupdate" -k "$world/named/zone.key"
}

case $program in
nsupdate | knsupdate)
	update "$@"
	;;
curl)
	http "$@"
	;;
wget)
	[ -z "$fails" ] || exit 8
	http "$@"
	;;
ssh)
	case " $* " in *' -n '*) ;; *) note stdin ;; esac
	[ -z "$fails" ] || exit 255
	;;
scp | rsync)
	[ -z "$fails" ] || exit 12
	;;
sendmail | mail | mailx)
	note stdin
	;;
esac
