# Becomes a program of the sandbox, once it is known to the sandbox's janitor.
# $1: the sandbox's folder; the rest: the program and its words.
#
# The name written is the process id, the line in it the time at which the process was started. When the janitor is
# already at work, the folder for it is gone and nothing is started.
_bssh_folder=$1
shift
_bssh_born() {
  shift 19
  _bssh_time=$1
}
if { read -r _bssh_line <"/proc/$$/stat"; } 2>/dev/null; then
  _bssh_born ${_bssh_line##*) }
else
  _bssh_time=$(LC_ALL=C TZ=UTC0 ps -o lstart= -p $$ | tr -d ' ')
fi
{ echo "$_bssh_time" >"$_bssh_folder/run/$$"; } 2>/dev/null || exit 125
unset _bssh_folder _bssh_line _bssh_time
exec "$@"
