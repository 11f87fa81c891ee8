// One process of a flight: `flying.ts STATE WORD…`. Says on stdout what it has come to, a line each, and its result as JSON.
//   about=TEXT fail=FACT for-all background quiet meanwhile=COUNT go=PATH (works until that is there) child (starts a sleep)
//   stop-at=looking|begun|asking|done (stays there for ever)
import { appendFileSync, existsSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { Failure } from "../../src/failure.ts";
import { ASKING_CODE, singleFlight } from "../../src/issue/single-flight.ts";

const [state = "", ...words] = process.argv.slice(2);
const word = (name: string) =>
  words.find((item) => item.startsWith(`${name}=`))?.slice(name.length + 1) ?? (words.includes(name) ? "" : null);
const print = (line: string) => writeSync(1, `${line}\n`);
const about = word("about") ?? "blessid";
const done = `${state}/${about}.done`;

let looks = 0;
let turns = 0;
const said: string[] = [];
const traced: string[] = [];

function reach(point: string): void {
  print(point);
  if (word("stop-at") === point) for (;;) Bun.sleepSync(1000);
}

try {
  print("started");
  const got = await singleFlight<string>({
    state,
    about,
    isDone() {
      looks += 1;
      if (word("stop-at") === "looking") reach("looking");
      return existsSync(done) ? readFileSync(done, "utf8") : null;
    },
    async run(doing) {
      appendFileSync(`${state}/runs`, `${process.pid}\n`);
      if (word("child") !== null) {
        const child = Bun.spawn(["sleep", "60"], { stdio: ["ignore", "inherit", "inherit"] });
        print(`child ${child.pid}`);
      }
      reach("begun");
      doing(ASKING_CODE);
      reach("asking");
      doing("asking AWS");
      const go = word("go");
      while (go !== null && !existsSync(go)) await Bun.sleep(5);
      const fact = word("fail");
      if (fact !== null) throw new Failure(fact, "try something else", 78);
      writeFileSync(done, String(process.pid));
      reach("done");
      return String(process.pid);
    },
    wait: word("background") === null,
    ...(word("meanwhile") !== null && {
      async meanwhile() {
        turns += 1;
        if (turns === Number(word("meanwhile"))) throw new Failure("waited enough");
      },
    }),
    say(line) {
      said.push(line);
      print(`says ${line}`);
    },
    quiet: word("quiet") !== null,
    trace: (line) => void traced.push(line),
  });
  print(JSON.stringify({ got, said, traced, looks, turns }));
} catch (error) {
  const failure = error instanceof Failure ? [error.sentence, error.status] : String(error);
  print(JSON.stringify({ failure, said, traced, looks, turns }));
}
