// Runs the portable tests on the newest MicroPython, built for WebAssembly: the language as it is today.
// usage: node run_newest.mjs MICROPYTHON.mjs CHECKOUT FILE...      prints runner.py's sum; exit 1 when anything failed
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const HEAP_BYTES = 8 << 20; // no limit of a board: that is the other interpreter's test
const [interpreter, checkout, ...files] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(resolve(interpreter)).href);
const machine = await loadMicroPython({ heapsize: HEAP_BYTES, stdout: (line) => console.log(line), linebuffer: true });

function copy(folder, names = readdirSync(join(checkout, folder))) {
    let made = "";
    for (const part of folder.split("/")) {
        made += "/" + part;
        try {
            machine.FS.mkdir(made);
        } catch {
            // it is there
        }
    }
    for (const name of names.filter((each) => each.endsWith(".py"))) {
        machine.FS.writeFile(`/${folder}/${name}`, readFileSync(join(checkout, folder, name)));
    }
}

copy("collector", ["__init__.py"]);
copy("collector/core");
copy("tests/portable");
const list = JSON.stringify(["runner.py", ...files.map((each) => "/" + each)]);
try {
    machine.runPython(`
import sys
sys.path[:] = ["/", "/tests/portable"]
sys.argv[:] = ${list}
print(sys.version)
exec(open("/tests/portable/runner.py").read(), {"__name__": "runner"})
`);
} catch (error) {
    if (!String(error.message ?? error).includes("SystemExit: 0")) {
        console.log(String(error.message ?? error));
        process.exitCode = 1;
    }
}
