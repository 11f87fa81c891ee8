// A terminal that a test types on and looks at.

const ECHO = 8;
const ICANON = 2;

export type Pty = {
  /** Types text, control characters too. */
  type(text: string): void;
  /** Waits until the output holds the text, at most ten seconds. */
  until(text: string, times?: number): Promise<void>;
  /** Whether what is typed is shown. */
  echoes(): boolean;
  /** Waits until echo is as told, at most ten seconds. */
  untilEcho(on: boolean): Promise<void>;
  /** Rows of the screen as a person sees them, without the empty ones at the end. */
  screen(): string[];
  /** Everything that was written to the terminal. */
  output(): string;
  readonly pid: number;
  /** Waits for the end: the exit status, or the signal's name. */
  end(): Promise<number | string>;
};

/** Starts a shell script on a terminal of its own. */
export function openPty(script: string, environment: Record<string, string> = {}, columns = 60): Pty {
  let written = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn(["sh", "-c", script], {
    env: { ...process.env, TERM: "xterm", ...environment },
    terminal: {
      cols: columns,
      rows: 24,
      data(_terminal, bytes) {
        written += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no terminal was opened");
  const wait = async (what: string, is: () => boolean): Promise<void> => {
    const until = Date.now() + 10_000;
    while (!is()) {
      if (Date.now() > until) throw new Error(`waited for ${what} in vain; the output is ${JSON.stringify(written)}`);
      await Bun.sleep(5);
    }
  };
  const echoes = () => (terminal.localFlags & ECHO) !== 0 && (terminal.localFlags & ICANON) !== 0;
  return {
    type: (text) => void terminal.write(text),
    until: (text, times = 1) => wait(JSON.stringify(text), () => written.split(text).length > times),
    echoes,
    untilEcho: (on) => wait(`echo ${on ? "on" : "off"}`, () => echoes() === on),
    screen: () => render(written, columns),
    output: () => written,
    pid: child.pid,
    async end() {
      await child.exited;
      await Bun.sleep(20);
      return child.signalCode ?? child.exitCode ?? -1;
    },
  };
}

/** What a terminal without a scroll limit shows: line breaks, returns, wrapped rows, cursor up, clear to the end of line and screen. */
export function render(written: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let [row, column] = [0, 0];
  const line = () => {
    while (rows.length <= row) rows.push([]);
    return rows[row] ?? [];
  };
  for (const [token, count, letter] of written.matchAll(/\u001b\[(\d*)([A-Z])|[\s\S]/gu)) {
    if (letter === "A") row = Math.max(0, row - Math.max(1, Number(count)));
    else if (letter === "K") line().length = Math.min(line().length, column);
    else if (letter === "J") {
      line().length = Math.min(line().length, column);
      rows.length = row + 1;
    } else if (token === "\r") column = 0;
    else if (token === "\n") row += 1;
    else if (token >= " ") {
      if (column === columns) [row, column] = [row + 1, 0];
      const cells = line();
      while (cells.length < column) cells.push(" ");
      cells[column] = token;
      column += 1;
    }
  }
  const shown = rows.map((cells) => cells.join("").trimEnd());
  while (shown.at(-1) === "") shown.pop();
  return shown;
}
