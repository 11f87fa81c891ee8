#!/bin/sh
# Stands in ssh's place and writes down everything it was given: run by the tests under bssh and without it.
{
	printf 'argv '
	# The words alone: the interpreter and this file's name come first.
	od -An -v -tx1 "/proc/$$/cmdline" | tr -d ' \n'
	printf '\nenvironment '
	tr '\0' '\n' <"/proc/$$/environ" | grep -av '^BLESS_COMPLETE=' | od -An -v -tx1 | tr -d ' \n'
	printf '\n'
	grep -E '^Sig(Blk|Ign)' /proc/self/status
	grep -v '^Max realtime timeout' "/proc/$$/limits"
	for descriptor in 0 1 2; do
		printf '%s %s ' "$descriptor" "$(readlink "/proc/$$/fd/$descriptor" | sed 's/:\[.*//')"
		grep '^flags' "/proc/$$/fdinfo/$descriptor"
	done
	stty -a </dev/tty 2>/dev/null || echo 'no terminal'
	umask
	pwd
	cut -d' ' -f5-8 "/proc/$$/stat" | awk -v own="$$" '{ print ($1 == own ? "leads its group" : "in a group") }'
} >"$RECORD"
exit "${RECORD_STATUS:-0}"
