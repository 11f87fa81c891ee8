# Ends what a sandbox started and removes its folder, as soon as the foreground process is gone: normally or by kill -9.
# $1: the sandbox's folder (it need not be there yet). stdin: a pipe that the foreground process holds open.
#
# A process is the sandbox's when start.sh wrote down its id and the time it was started, when it carries the sandbox's
# mark in its environment, or when it descends from one of those. Nothing else is ever signalled.
set -uf
trap '' HUP INT QUIT TERM TSTP
cd /
folder=$1
echo ready
while read -r _; do :; done

# From here on start.sh starts nothing more.
mv "$folder/run" "$folder/ended" 2>/dev/null

known=' ' # PROCESS:TIME of everything that was ever found to be ours

# Sets $table: a line "PROCESS PARENT TIME" for every process that is not a zombie.
list() {
  table=
  if [ -r /proc/self/stat ]; then
    set +f
    for entry in /proc/[0-9]*; do
      if { read -r line <"$entry/stat"; } 2>/dev/null; then row "${entry#/proc/}" ${line##*) }; fi
    done
    set -f
  else
    table=$(LC_ALL=C TZ=UTC0 ps -A -o pid= -o ppid= -o stat= -o lstart= | while read -r pid parent state time; do
      case $state in Z*) continue ;; esac
      echo "$pid $parent $(echo "$time" | tr -d ' ')"
    done)
  fi
}
row() {
  [ "$2" = Z ] || table="$table$1 $3 ${21}
"
}

# Sets $marked: " PROCESS PROCESS " of those with the mark in their environment.
find_marked() {
  marked=' '
  if [ -r /proc/self/environ ]; then
    set +f
    for entry in $(grep -laF "BSSH_SANDBOX_PROCESS=$folder" /proc/[0-9]*/environ 2>/dev/null); do
      entry=${entry#/proc/}
      marked="$marked${entry%/environ} "
    done
    set -f
  else
    # macOS shows the environment of the person's own programs only; the rest is found as descendants.
    marked=" $(ps -A -E -ww -o pid= -o command= 2>/dev/null |
      grep -F "BSSH_SANDBOX_PROCESS=$folder" | while read -r pid _; do printf '%s ' "$pid"; done)"
  fi
}

# Sets $alive and $fresh: process ids that are ours, and those of them not seen before; $unclear when a program is
# just being started.
find_ours() {
  unclear=
  set +f
  for file in "$folder"/ended/*; do
    [ -f "$file" ] || continue
    time=
    read -r time <"$file"
    if [ -n "$time" ]; then
      case $known in *" ${file##*/}:$time "*) ;; *) known="$known${file##*/}:$time " ;; esac
    else
      unclear=yes
    fi
  done
  set -f
  find_marked
  list
  alive=' '
  fresh=
  more=yes
  while [ -n "$more" ]; do
    more=
    while read -r pid parent time; do
      [ -n "$pid" ] && [ "$pid" != $$ ] || continue
      case $alive in *" $pid "*) continue ;; esac
      case $known in *" $pid:$time "*) ;; *)
        case "$marked" in *" $pid "*) ;; *)
          case $alive in *" $parent "*) ;; *) continue ;; esac ;;
        esac
        ;;
      esac
      alive="$alive$pid "
      case $seen in *" $pid:$time "*) ;; *)
        fresh="$fresh$pid "
        seen="$seen$pid:$time "
        known="$known$pid:$time "
        ;;
      esac
      more=yes
    done <<TABLE
$table
TABLE
  done
}

seen=' '
pause() { sleep "$1" 2>/dev/null || sleep 1; }

# Held first, so that none starts another one unseen; then asked to end; hung up on after a quarter of a second (a shell
# at a terminal ends so); killed after two.
round=0
while [ $round -lt 400 ]; do
  find_ours
  if [ $round -eq 0 ]; then
    while [ -n "$fresh" ]; do
      kill -STOP $fresh 2>/dev/null
      find_ours
    done
    if [ "$alive" != ' ' ]; then
      kill -TERM $alive 2>/dev/null
      kill -CONT $alive 2>/dev/null
    fi
  elif [ "$alive" = ' ' ] && [ -z "$unclear" ]; then
    break
  elif [ $round -gt 45 ]; then
    kill -KILL $alive 2>/dev/null
  elif [ -n "$fresh" ]; then
    kill -TERM $fresh 2>/dev/null
  elif [ $round -eq 10 ]; then
    kill -HUP $alive 2>/dev/null
  fi
  [ "$alive" = ' ' ] && [ -z "$unclear" ] && break
  if [ $round -lt 5 ]; then pause 0.01; else pause 0.05; fi
  round=$((round + 1))
done

# sshd's empty folder in /run (on Debian), when a sandbox had to make it; another sshd may be using it by now.
if { read -r shared <"$folder/shared"; } 2>/dev/null; then
  rm -rf -- "$shared.${folder##*/}"
  if [ -f "$shared/${folder##*/}" ]; then
    rm -f -- "$shared/${folder##*/}"
    cat /proc/[0-9]*/comm 2>/dev/null | grep -q '^sshd' || rmdir "$shared" 2>/dev/null
  fi
fi

round=0
while [ -e "$folder" ] && [ $round -lt 100 ]; do
  rm -rf -- "$folder" 2>/dev/null && break
  chmod -R u+rwx "$folder" 2>/dev/null
  pause 0.02
  round=$((round + 1))
done
