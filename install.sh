#!/bin/sh
# Installs bssh. Works with any POSIX shell; edits no file of yours.
set -eu

usage() {
	cat <<-'HELP'
		Usage: ./install.sh --from-source | --uninstall | --help

		--from-source   builds bssh from this checkout and installs it (needs Node and npm)
		--uninstall     takes the installed bssh away; config, keys and certificates stay

		It goes to $BSSH_PREFIX/bin, by default ~/.local/bin.
	HELP
}

fail() {
	printf 'bssh: %s\n' "$1" >&2
	exit "${2:-1}"
}

# Where to; asked for only when it is needed.
destination() {
	if [ -n "${BSSH_PREFIX:-}" ]; then
		bin=$BSSH_PREFIX/bin
	else
		[ -n "${HOME:-}" ] || fail 'HOME is not set; set it, or name a place with BSSH_PREFIX'
		bin=$HOME/.local/bin
	fi
	case $bin in
	/*) ;;
	*) bin=$PWD/$bin ;;
	esac
}

from_source() {
	destination
	CDPATH='' cd -- "$(dirname -- "$0")"
	[ -f package.json ] || fail 'this is no checkout of bssh; run install.sh from where you cloned it'
	command -v npm >/dev/null || fail 'npm is missing; install Node.js and npm'
	[ -d node_modules ] || npm install --no-fund --no-audit >&2 || fail 'npm install failed; see above'
	npm run --silent build >&2 || fail 'the build failed; see above'
	[ ! -d "$bin/bssh" ] || fail "$bin/bssh is a folder; move it away, or name another place with BSSH_PREFIX"
	mkdir -p "$bin" || fail "could not make $bin; name another place with BSSH_PREFIX"
	# Beside it and renamed: a bssh that runs keeps its own file, and nobody sees half of a new one.
	new=$bin/.bssh.$$
	trap 'rm -f "$new"' EXIT
	trap 'exit 130' HUP INT TERM
	cp dist/bssh "$new" || fail "could not write to $bin; make room or name another place with BSSH_PREFIX"
	chmod 755 "$new"
	mv -f "$new" "$bin/bssh"
	trap - EXIT HUP INT TERM
	printf 'bssh %s is installed in %s\n' "$("$bin/bssh" --version | cut -d' ' -f2)" "$bin"
	advise
}

# What is left to do, in the person's own shell.
advise() {
	shell=$(basename "${SHELL:-sh}")
	case $shell in
	zsh) file='~/.zshrc' ;;
	bash) file='~/.bashrc' ;;
	fish) file='~/.config/fish/config.fish' ;;
	*) file="your shell's start-up file" ;;
	esac
	printf '\nAdd to %s:\n' "$file"
	case :${PATH:-}: in
	*:"$bin":*) ;;
	*)
		if [ "$shell" = fish ]; then
			printf "  fish_add_path '%s'\n" "$(quoted "$bin")"
		else
			printf "  export PATH='%s':\"\$PATH\"\n" "$(quoted "$bin")"
		fi
		;;
	esac
	printf '  alias ssh=bssh\n\nThen: bssh config import URL-OF-YOUR-ORGANISATION'"'"'S-CONFIG\n'
}

# A path inside single quotes.
quoted() {
	printf '%s' "$1" | sed "s/'/'\\\\''/g"
}

uninstall() {
	destination
	[ -e "$bin/bssh" ] || [ -L "$bin/bssh" ] || fail "there is no bssh in $bin; name its place with BSSH_PREFIX"
	rm -f "$bin/bssh" || fail "could not remove $bin/bssh; check the folder's owner"
	printf 'bssh is gone from %s; take the alias out of your shell as well\n' "$bin"
}

case ${1:-} in
--from-source) [ $# -eq 1 ] || fail 'install.sh takes one option; see ./install.sh --help' 64 && from_source ;;
--uninstall) [ $# -eq 1 ] || fail 'install.sh takes one option; see ./install.sh --help' 64 && uninstall ;;
--help | -h) usage ;;
'') fail 'releases are not published yet; build from this checkout: ./install.sh --from-source' 64 ;;
*) fail "there is no option $1; see ./install.sh --help" 64 ;;
esac
