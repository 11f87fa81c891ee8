/**
 * Command lines for ssh, as bytes: what the programs that call ssh really pass, what people type, and what is legal but
 * hostile. None begins with a word that bssh takes for itself, and no word holds a NUL.
 */
export const corpus: readonly (readonly Uint8Array[])[] = [
  ...callers(),
  ...typed(),
  ...options(),
  ...destinations(),
  ...passedThrough(),
  ...refused(),
  ...commands(),
  ...oddBytes(),
  ...large(),
].map((words) => words.map((word) => (typeof word === "string" ? new TextEncoder().encode(word) : word)));

type Word = string | Uint8Array;

/** One byte for each character, so that `\xff` is the byte 255. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Words between single blanks. */
function split(...lines: readonly string[]): Word[][] {
  return lines.map((line) => line.split(" "));
}

function callers(): Word[][] {
  const scp = "-x -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no".split(" ");
  const sftp = ["-oForwardX11 no", "-oPermitLocalCommand no", "-oClearAllForwardings yes", "-oForwardAgent no"];
  const control = ["-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s"];
  const ansible = [
    ...control,
    "-o",
    'IdentityFile="/home/a b/.ssh/id_ed25519"',
    "-o",
    "KbdInteractiveAuthentication=no",
  ];
  const ansibleMore = ["-o", "PasswordAuthentication=no", "-o", 'User="deploy"', "-o", "ConnectTimeout=10"];
  const ansiblePath = ["-o", 'ControlPath="/home/a/.ansible/cp/7bd4d1a0c2"'];
  return [
    [...scp, "-oForwardAgent=no", "-s", "--", "web1", "sftp"],
    [...scp, "-q", "-i", "k", "-oForwardAgent=no", "-p", "2301", "-l", "root", "-s", "--", "web1", "sftp"],
    [...scp, "-v", "-oForwardAgent=no", "-l", "al ice", "--", "web1", "scp -v -t /tmp/a"],
    [...scp, "-oForwardAgent=no", "--", "web1", "scp -f '/tmp/a  b; c'"],
    [...scp, "-n", "-oForwardAgent=no", "-l", "root", "--", "web1", "scp -r -- /etc web2:/tmp"],
    [...scp, "-J", "u@jump:22", "-F", "/etc/ssh/other", "-oForwardAgent=no", "-s", "--", "::1", "sftp"],
    [...sftp, "-s", "--", "web1", "sftp"],
    [...sftp, "-oPort 2301", "-l", "root", "-s", "--", "web1", "sftp"],
    [...sftp, "-oProtocol 2", "-l", "root", "--", "web1", "/usr/libexec/sftp-server"],
    ["-l", "root", "web1", "rsync", "--server", "-vlogDtpre.iLsfxCIvu", ".", "/srv/x"],
    ["web1", "rsync", "--server", "--sender", "-logDtpre.iLsfxCIvu", ".", "/srv/a\\ b"],
    ["-p", "2301", "-oBatchMode=yes", "web1", "rsync", "--server", "-e.LsfxCIvu", "--delete", ".", "~/x"],
    ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2301", "root@web1", "git-upload-pack '/x'"],
    ["-o", "SendEnv=GIT_PROTOCOL", "git@git.example.org", "git-receive-pack 'team/a b.git'"],
    ["git@git.example.org", "git-upload-pack 'it'\\''s.git'"],
    ["-G", "-o", "SendEnv=GIT_PROTOCOL", "-p", "2301", "root@web1"],
    ["-4", "-o", "SendEnv=GIT_PROTOCOL", "git@git.example.org", "git-upload-archive '/x'"],
    ["git@git.example.org", "git-lfs-authenticate a/b.git download"],
    [...ansible, ...ansibleMore, ...ansiblePath, "web1", "/bin/sh -c 'echo ~deploy && sleep 0'"],
    [
      ...ansible,
      ...ansibleMore,
      ...ansiblePath,
      "-tt",
      "web1",
      "/bin/sh -c '( umask 77 && mkdir -p \"` echo /tmp `\" )'",
    ],
    [...ansible, "-o", "StrictHostKeyChecking=no", ...ansiblePath, "web1", "/bin/sh -c '\"'\"'python3'\"'\"''"],
    ["-T", "-D", "45123", "web1", "bash"],
    ["-T", "-D", "45123", "-o", "ConnectTimeout=15", "-F", "/home/a/.ssh/config", "web1", "bash"],
    ["-v", "-T", "-D", "45123", "-o", "ConnectTimeout=60", "web1", "sh"],
    ["-T", "-o", "RemoteCommand=none", "-o", "ConnectTimeout=15", "web1", "bash --login -c bash"],
    ["-o", "RemoteCommand=none", "-O", "exit", "-S", "/run/user/0/vscode.sock", "web1"],
    ["-F", "c", "-W", "[127.0.0.1]:2301", "jump"],
    ["-l", "u", "-p", "2200", "-J", "first", "-F", "c", "-vv", "-W", "[web1]:22", "second"],
    ["-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", "web1", "borg", "serve", "--umask=077"],
    ["-xT", "-oCompression=no", "-c", "aes128-gcm@openssh.com", "web1", "zfs", "receive", "-F", "tank/x"],
    ["-l", "hg", "web1", "hg -R repo serve --stdio"],
    ["web1", "svnserve", "-t"],
    ["-N", "-L", "127.0.0.1:5432:db:5432", "-o", "ExitOnForwardFailure=yes", "web1"],
    ["-M", "-N", "-f", "-S", "/tmp/cm-%C", "web1"],
    [
      "-oStrictHostKeyChecking=no",
      "-oUserKnownHostsFile=/dev/null",
      "-oLogLevel=ERROR",
      "-i",
      "/root/.ssh/k",
      "core@10.0.0.5",
    ],
    ["-o", "ProxyCommand=nc -X 5 -x 127.0.0.1:1080 %h %p", "web1"],
    ["-e", "none", "-o", "SetEnv=A=b c", "web1", "sudo -n -- true"],
  ];
}

function typed(): Word[][] {
  return [
    [],
    ...split(
      "web1",
      "alice@web1",
      "web1 uptime",
      "alice@web1 uptime -p",
      "-p 2200 web1",
      "-p2200 alice@web1 ls -l /tmp",
    ),
    ...split(
      "web1 -p 2200",
      "web1 -p 2200 uptime",
      "web1 -l bob",
      "-l bob web1",
      "-lbob web1 id",
      "-A web1",
      "-X web1 xterm",
    ),
    ...split(
      "-v web1",
      "-vvv web1",
      "-tt web1 top",
      "-t web1 sudo -s",
      "-N web1",
      "-fN web1",
      "-f web1 sleep 60",
      "-n web1 true",
    ),
    ...split(
      "-4 web1",
      "-6 web1",
      "-C web1",
      "-q web1",
      "-J jump web1",
      "-Jjump1,jump2 web1",
      "-J u@j1:2,ssh://v@j2:3/ web1",
    ),
    ...split(
      "-i ~/.ssh/id web1",
      "-i k1 -i k2 web1",
      "-ik web1",
      "-F none web1",
      "-F /dev/null web1 true",
      "-L 8080:a:80 web1",
    ),
    ...split(
      "-R 9090:b:90 web1",
      "-D 1080 -N web1",
      "-NL 8080:a:80 web1",
      "-W inner:22 web1",
      "-g -L 1:a:2 web1",
      "-w any web1",
    ),
    ...split(
      "-o User=bob web1",
      "-oPort=2200 web1",
      "-oHostName=10.0.0.1 web1",
      "-oProxyJump=jump web1",
      "web1 -oUser=bob",
    ),
    ...split(
      "-b 10.0.0.1 web1",
      "-B eth0 web1",
      "-c aes128-ctr web1",
      "-m hmac-sha2-256 web1",
      "-E log web1",
      "-I p11.so web1",
    ),
    ...split(
      "-S none web1",
      "-e none web1",
      "-K web1",
      "-k web1",
      "-a -x -T web1 true",
      "-y web1",
      "-M web1",
      "-s web1 sftp",
    ),
  ];
}

function options(): Word[][] {
  const settings = [
    ...[
      "User bob",
      "User\tbob",
      "USER = bob",
      ' User="b o b" ',
      "User='bob'",
      "User=b\\ o",
      "User bob # who",
      "User bob#1",
    ],
    ...['"User" bob', "User==bob", "=User bob", "#User=bob", "", " ", "User=bob\n", "SendEnv A B", "ProxyCommand=none"],
    ...[
      "ProxyCommand=sh -c 'nc \"%h\" %p'",
      "IdentityFile=~/a b",
      'LocalCommand=echo "$HOME" `id`',
      "SetEnv X=$Y",
      'X="',
    ],
  ];
  return [
    ...settings.map((setting) => ["-o", setting, "web1"]),
    ...settings.slice(0, 8).map((setting) => [`-o${setting}`, "web1", "true"]),
    ["-vvA", "-p22", "-oX=y", "--", "web1", "a  b; c"],
    ["-o", "User=a", "-o", "User=b", "-o", "User=a", "-l", "c", "d@web1"],
    ...split(
      "-Ap 22 web1",
      "-vvNL8080:localhost:80 web1",
      "-4Ctvi k web1",
      "-- web1",
      "-v -- web1 -v",
      "web1 -- -v",
      "-p 1 -p 2 web1",
    ),
    ...split(
      "web1 -v -- -v --",
      "-b -- web1 -p 2",
      "-l -P web1",
      "-i --help web1",
      "-b --version web1",
      "-l ssh web1",
      "web1 -v- x",
    ),
    ["-p", " 22", "web1"],
    ["-l", "", "web1"],
    ["-b", "", "web1", ""],
    ["-i", "/tmp/a b/c", "web1"],
    ["-e", "~", "web1"],
    ["-L", "/tmp/a b.sock:/tmp/c.sock", "web1"],
    ["-P", "web1"],
    ["-P", "tag", "web1"],
  ];
}

function destinations(): Word[][] {
  const words = [
    ...[
      "a@b@web1",
      "@web1",
      "alice@",
      "web1:22",
      "[::1]",
      "::1",
      "127.0.0.1",
      "Web1.Example.ORG",
      "web1.",
      "a b@web1",
      "a$b@web1",
    ],
    ...[
      "ssh://web1",
      "ssh://alice@web1:2200",
      "ssh://alice@web1:2200/",
      "ssh://u%40x@web1",
      "ssh://a;fp=1@web1",
      "SSH://web1",
    ],
    ...["h*?", "h[~!#=]", "h%h", "%h", "~", "h=p", "h#c", "xn--hst-qla", "häst", "日本", "a/b", "./status", "-"],
  ];
  return [
    ...words.map((word) => [word]),
    [""],
    ["", "status"],
    ["web1", "status"],
    ["--", "status"],
    ["--", "-p"],
    ["-v", "status"],
  ];
}

function passedThrough(): Word[][] {
  return split(
    ...[
      "-V",
      "-vV",
      "web1 -V",
      "-Q cipher",
      "-Qkey",
      "-Q kex-sig",
      "-G web1",
      "-Gp 22 alice@web1",
      "web1 -G",
      "-G -p 2200 web1 true",
    ],
    ...[
      "-O check web1",
      "-Oexit web1",
      "-S /tmp/s -O stop web1",
      "-O forward -L 1:a:2 web1",
      "-GO check web1",
      "web1 uptime -V",
    ],
  );
}

function refused(): Word[][] {
  return [
    ...split(
      "-p",
      "-z web1",
      "--long web1",
      "---",
      "-: web1",
      "-p 0 web1",
      "-p 70000 web1",
      "-1 web1",
      "-s web1",
      "web1 -p",
      "-v-",
    ),
    ...split(
      "ssh://web1/path",
      "ssh://[::1]",
      "-J a -J b web1",
      "-J , web1",
      "-oFoo=bar web1",
      "-oUser= web1",
      "-Z web1",
    ),
    ["a;b"],
    ["$(id)"],
    ["`id`"],
    ["a'b"],
    ["-oHostName=x;id", "web1"],
    ["web1\nweb2"],
  ];
}

function commands(): Word[][] {
  const words = [
    ...[
      "a  b; c",
      "",
      " ",
      "\n",
      "a\nb\n",
      "\t",
      "'",
      '"',
      "\\",
      "\\n",
      "''",
      "$HOME",
      "$(id)",
      "`id`",
      "*",
      "~",
      "#",
      "!!",
      "a\rb",
    ],
    ...["--", "-", "--help", "BLESS_COMPLETE=1", "echo 'it'\\''s'", 'echo "a  b"', "\u001b[31mred", "\u0001\u007f"],
    ...["für Ünï ☃ 🐚", "\u200b\u202e", "a=b", "%h %p", "{1..3}", "a\u00a0b"],
  ];
  return [
    ...words.map((word) => ["web1", word]),
    ["web1", "", "", ""],
    ["web1", "sh", "-c", "exit 52"],
    ["web1", "printf", "%s\\n", "a b", "'c'", '"d"', "\\e"],
  ];
}

function oddBytes(): Word[][] {
  const words = [
    "\xff",
    "a\xffb",
    "\xc3",
    "\xc3\x28",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\xc0\xaf",
    "\xef\xbb\xbf",
    "\xef\xbf\xbd",
    "caf\xe9",
  ];
  const every = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join("");
  return [
    ...words.map((word) => ["web1", latin1(word)]),
    [latin1("w\xe9b1")],
    ["-l", latin1("al\xefce"), "web1"],
    [latin1("-l\xff"), "web1"],
    [latin1("al\xffce@web1"), "true"],
    ["-o", latin1("User=\xfe\xff"), "web1"],
    [latin1("-oSetEnv=A=\x80"), "web1"],
    ["-i", latin1("/tmp/\xe4\xf6"), "web1"],
    ["-F", latin1("\x80"), "web1"],
    ["web1", latin1(every)],
    [latin1("\xff")],
    [latin1("-\xff"), "web1"],
    ["-J", latin1("j\xff"), "web1", latin1("\xff \xfe"), "", latin1("\x80")],
  ];
}

function large(): Word[][] {
  return [
    ["web1", "x".repeat(100_000)],
    ["web1", latin1("\xff".repeat(50_000))],
    ["web1", ...Array.from({ length: 2000 }, (_, index) => `word ${index}`)],
    [...Array.from({ length: 300 }, () => "-v"), "web1"],
  ];
}
