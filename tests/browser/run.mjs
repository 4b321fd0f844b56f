// Every page of the demo, seen by a real browser: on a desk and on a phone, light and dark, with and
// without JavaScript.
//
// It starts `plotmeter demo`, signs in through the form as each role, and holds what is promised of
// every page: no error on the console, no request to another host, less than 100 kB, no violation of
// WCAG 2.2 AA that axe can see, nothing cut off at 390 px. It follows a statement's line to the jobs
// it is made of and compares the two sums, unfolds whole statements, opens every kind of clause in the
// form of a contract, looks at a preview, and takes the electronic invoice of all that was issued. Deliberately absent: what the Rust stories already prove
// through HTTP, such as who may see what, and what is billed.
//
// Environment: PLOTMETER_BIN (the program, default target/debug/plotmeter), PLOTMETER_CHROMIUM.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const SCREENSHOTS = join(ROOT, "target", "screenshots");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const WIDTHS = [1440, 390];
const SCHEMES = ["light", "dark"];
const WEIGHT_MAX_BYTES = 100_000;
const START_MAX_MS = 600_000;
const STEP_MAX_MS = 30_000;
const LINES_FOLLOWED_MAX = 5;
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// What each role visits: `path`, or the first link on the page `on` whose address is of the shape `link`
// (`first` for short: one thing of a list). `within` says in which part of `on`. `unfold` opens everything
// that is folded and looks once more; `follow` holds lines against their jobs; `has` must be there.
const MONTH = /^\/billing\/\d{4}-\d{2}$/;
const STATEMENT = /^\/statements\/\d+$/;
const MY_STATEMENT = /^\/my\/statements\/\d+$/;
const RELATED = '[aria-label="Documents that belong to it"]';
const PAGES = {
  reseller: [
    { name: "home", path: "/" },
    { name: "printers", path: "/printers" },
    { name: "printer", first: "/printers" },
    { name: "jobs", path: "/jobs" },
    { name: "billing", path: "/billing" },
    // The latest month with statements: one is held up by a counter that fell.
    { name: "board", on: "/billing", within: "tbody", link: MONTH, has: [".board .why li", ".board .do a"] },
    { name: "board-open", on: "/billing", within: "tbody", link: MONTH, query: "?show=look", has: [".board"] },
    { name: "indices", path: "/billing/indices" },
    { name: "settings", path: "/billing/settings" },
    { name: "statements", path: "/statements" },
    { name: "objections", path: "/objections" },
    { name: "statement", on: "/statements?state=issued", link: STATEMENT, unfold: true, follow: true },
    { name: "draft", on: "/statements?state=draft", link: STATEMENT, has: [".flash.warn li"] },
    { name: "corrected", on: "/statements?state=corrected", link: STATEMENT, unfold: true, has: [`${RELATED} a`] },
    { name: "note", on: "corrected", within: RELATED, link: STATEMENT, unfold: true, has: ['tbody th small a[href^="/statements/"]'] },
    { name: "readings", path: "/readings", has: ["#decide", 'select[name="reason"]'] },
    { name: "readings-enter", path: "/readings/enter" },
    { name: "readings-units", path: "/readings/units" },
    { name: "readings-import", path: "/readings/import" },
    { name: "printer-readings", on: "/readings", link: /^\/printers\/\d+\?tab=readings$/ },
    { name: "swap", on: "/printers", link: /^\/printers\/\d+$/, query: "/swap" },
    { name: "contracts", path: "/contracts" },
    { name: "contract", first: "/contracts" },
    { name: "version", first: "/contracts", query: "/versions/new", unfold: true, has: ["fieldset.clause"] },
    { name: "margin", first: "/contracts", query: "/margin" },
    { name: "events", first: "/contracts", query: "/events", unfold: true },
    { name: "templates", path: "/contracts/templates" },
    { name: "prices", path: "/contracts/prices" },
    { name: "printers-seen", path: "/printers?filter=seen" },
    { name: "customers", path: "/customers" },
    { name: "customer", first: "/customers" },
    { name: "customer-billing", first: "/customers", query: "/billing", unfold: true },
    { name: "agents", path: "/agents" },
    { name: "agent", first: "/agents" },
    { name: "people", path: "/people" },
  ],
  customer: [
    { name: "my", path: "/my" },
    { name: "my-statement", on: "/my", link: MY_STATEMENT, unfold: true, has: ['a[href$="/evidence"]'] },
    { name: "my-readings", path: "/my/readings" },
    { name: "my-contract", on: "/my", link: /^\/my\/contracts\/\d+$/ },
    { name: "my-printer", on: "/my", link: /^\/my\/printers\/\d+$/ },
  ],
  operator: [{ name: "operator", path: "/operator" }],
};

let passed = 0;
const failures = [];

/** Counts one check. */
function check(holds, claim) {
  if (holds) passed += 1;
  else failures.push(claim);
}

// The demo

/** Starts the demo; gives its address, its sign-ins by role, and how to stop it. */
async function startDemo() {
  const program = process.env.PLOTMETER_BIN ?? join(ROOT, "target", "debug", "plotmeter");
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build -p plotmeter`);
  const child = spawn(program, ["demo", "--port", "0", "--seed", "1"], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said.push(...text.split("\n"));
    said.splice(0, said.length - 40);
  });
  const stop = () => stopped(child);
  try {
    return { ...(await addresses(child, said)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Reads the demo's standard output until it says where it listens. */
function addresses(child, said) {
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`the demo ${why}; it last said:\n${said.join("\n")}`));
    };
    const timer = setTimeout(() => fail(`did not say its URL within ${START_MAX_MS} ms`), START_MAX_MS);
    const signIns = {};
    child.on("error", (error) => fail(`did not start (${error.message})`));
    child.on("exit", (code) => fail(`ended with ${code}`));
    // The reader stays on after the URL, so that the demo never blocks on a full pipe.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const signIn = /^\s*sign-in:\s+(\S+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line);
      // Of several accounts of a role the first visits every page.
      if (signIn) signIns[signIns[signIn[1]] ? `other ${signIn[1]}` : signIn[1]] ??= { email: signIn[2], password: signIn[3] };
      const url = /^\s*URL:?\s+(http:\/\/\S+?)\/?\s*$/.exec(line);
      if (!url) return;
      clearTimeout(timer);
      resolve({ origin: url[1], signIns });
    });
  });
}

/** Stops the demo, at first politely. */
function stopped(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.on("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

// The browser

/** The browser of the system: none is downloaded. */
function findChromium() {
  if (process.env.PLOTMETER_CHROMIUM) return process.env.PLOTMETER_CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
    if (found.status === 0) return found.stdout.trim();
  }
  throw new Error("no Chromium: apt-get install chromium, or name one in PLOTMETER_CHROMIUM");
}

function launch() {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking"];
  const small = ["--disable-dev-shm-usage", "--disable-component-update", "--disable-sync"];
  // Without Chromium's sandbox, which refuses to work for root and in most containers: the pages are our own.
  return chromium.launch({ executablePath: findChromium(), chromiumSandbox: false, args: [...quiet, ...small] });
}

/** A signed-in tab, and what went over the wire and wrong in it since `watch.reset()`. */
async function signedIn(browser, demo, role, javaScriptEnabled) {
  const context = await browser.newContext({ baseURL: demo.origin, javaScriptEnabled, locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MAX_MS);
  const cdp = await context.newCDPSession(page);
  const watch = await watchTab(page, cdp, demo.origin);
  await page.goto("/");
  await page.locator('input[name="email"]').fill(demo.signIns[role].email);
  await page.locator('input[name="password"]').fill(demo.signIns[role].password);
  await Promise.all([page.waitForEvent("framenavigated"), page.locator('input[name="password"]').press("Enter")]);
  await page.waitForLoadState("load");
  const still = await page.locator('input[name="password"]').count();
  if (still > 0) throw new Error(`signing in as ${role} did not work`);
  return { context, page, cdp, watch };
}

/** Notes errors, requests to other hosts, and bytes. */
async function watchTab(page, cdp, origin) {
  const watch = { errors: [], foreign: [], bytes: 0 };
  watch.reset = () => Object.assign(watch, { errors: [], foreign: [], bytes: 0 });
  page.on("console", (message) => {
    if (message.type() === "error") watch.errors.push(message.text());
  });
  page.on("pageerror", (error) => watch.errors.push(error.message));
  page.on("request", (request) => {
    const ours = request.url().startsWith(`${origin}/`) || /^(data|blob|about):/.test(request.url());
    if (!ours) watch.foreign.push(request.url());
  });
  cdp.on("Network.loadingFinished", (event) => {
    watch.bytes += event.encodedDataLength;
  });
  await cdp.send("Network.enable");
  // Each page is weighed as a first visit.
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  return watch;
}

// The checks

/** The address of a page, see `PAGES`; `found` has the addresses of pages that were visited before. */
async function pathOf(tab, { path, first, on, within, link, query }, found) {
  if (path) return path;
  await tab.page.goto(first ?? found[on] ?? on);
  const shape = link ?? new RegExp(`^${first}/(?!(new|templates|prices)$)[^/?#]+$`);
  return `${await linkLike(tab.page, shape, within)}${query ?? ""}`;
}

/** The first link of this shape in a part of the page. */
async function linkLike(page, shape, within) {
  for (const link of await page.locator(`main ${within ?? ""} a[href]`).all()) {
    const href = await link.getAttribute("href");
    if (shape.test(href)) return href;
  }
  throw new Error(`${page.url()} has no link like ${shape}`);
}

/** One page at one width in one scheme. */
async function look(tab, { name, path, width, scheme, has }) {
  const { page, watch } = tab;
  const where = `${path} (${name}) at ${width} px, ${scheme}`;
  await turn(page, width, scheme);
  watch.reset();
  const response = await page.goto(path, { waitUntil: "load" });
  check(response?.status() === 200, `${where}: answers 200, not ${response?.status()}`);
  check((await page.title()) !== "", `${where}: has a title`);
  check(watch.bytes < WEIGHT_MAX_BYTES, `${where}: weighs ${watch.bytes} bytes, less than ${WEIGHT_MAX_BYTES}`);
  for (const wanted of has ?? []) {
    check((await page.locator(`main ${wanted}`).count()) > 0, `${where}: has ${wanted}`);
  }
  await examine(tab, { name, where, width, scheme });
}

async function turn(page, width, scheme) {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
}

/** What stands on the page now: its heading, its width, what axe finds; takes a picture. */
async function examine({ page, cdp, watch }, { name, where, width, scheme }) {
  check((await page.locator("h1").count()) === 1, `${where}: has one h1`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(overflow <= 0, `${where}: nothing is cut off, but ${overflow} px stick out`);
  const violations = await axe(cdp);
  check(violations.length === 0, `${where}: axe finds nothing, but ${violations.join("; ")}`);
  await page.screenshot({ path: join(SCREENSHOTS, `${name}-${width}-${scheme}.png`), fullPage: true, animations: "disabled" });
  check(watch.errors.length === 0, `${where}: no error on the console, but ${watch.errors.join("; ")}`);
  check(watch.foreign.length === 0, `${where}: no request to another host, but ${watch.foreign.join(" ")}`);
}

/** The page that is open, in every width, in light. */
async function examineWidths(tab, name, where) {
  for (const width of WIDTHS) {
    await turn(tab.page, width, "light");
    await examine(tab, { name, where: `${where} at ${width} px`, width, scheme: "light" });
  }
}

/** A page with everything open that is folded, such as the sums behind the lines of a statement. */
async function unfold(tab, { name, path }) {
  tab.watch.reset();
  await tab.page.goto(path);
  const folds = await tab.page.evaluate(() => {
    const all = document.querySelectorAll("main details");
    for (const fold of all) fold.open = true;
    return all.length;
  });
  check(folds > 0, `${path} (${name}): something is folded`);
  await examineWidths(tab, `${name}-unfolded`, `${path} (${name}), unfolded`);
}

/**
 * What axe finds on the page, as sentences.
 * It is put in by the debugger, which the page's content policy does not concern.
 */
async function axe(cdp) {
  const evaluate = async (expression, awaitPromise) => {
    const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", { expression, awaitPromise, returnByValue: true });
    if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  };
  await evaluate(`${AXE}\n;true`, false);
  const options = JSON.stringify({ runOnly: { type: "tag", values: AXE_TAGS }, resultTypes: ["violations"] });
  const found = await evaluate(`axe.run(document, ${options}).then((r) => JSON.stringify(r.violations))`, true);
  return JSON.parse(found).map((rule) => `${rule.id} (${rule.help}) at ${rule.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
}

/** The sums of a statement's lines are the sums of the jobs pages they link to. */
async function followLines(tab, statement, how) {
  const { page } = tab;
  await page.goto(statement);
  const lines = [];
  for (const line of await page.locator("[data-quantity]").all()) {
    const jobs = line.locator('a[href*="/jobs"]');
    if ((await jobs.count()) === 0) continue;
    lines.push({ quantity: await line.getAttribute("data-quantity"), jobs: await jobs.first().getAttribute("href") });
  }
  check(lines.length > 0, `${statement} (${how}): a line links to its jobs`);
  for (const { quantity, jobs } of lines.slice(0, LINES_FOLLOWED_MAX)) {
    await page.goto(new URL(jobs, page.url()).href);
    const total = page.locator("[data-total]").first();
    const sum = (await total.count()) > 0 ? await total.getAttribute("data-total") : null;
    check(sum === quantity, `${statement} (${how}): its line says ${quantity}, the jobs at ${jobs} say ${sum}`);
    await page.goto(statement);
  }
}

/** Opens the first line of a statement with the mouse and looks at what it shows. */
async function openLine(tab, statement) {
  const { page, cdp, watch } = tab;
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  watch.reset();
  await page.goto(statement);
  const summary = page.locator("[data-quantity] summary").first();
  if ((await summary.count()) > 0) {
    await summary.click();
    check(await page.locator("[data-quantity] details[open]").first().isVisible(), `${statement}: a line opens`);
  } else {
    const link = page.locator("[data-quantity] a[href]").first();
    check((await link.count()) > 0, `${statement}: a line can be opened`);
    if ((await link.count()) > 0) await link.click();
    await page.waitForLoadState("load");
  }
  const violations = await axe(cdp);
  check(violations.length === 0, `${statement}, a line opened: axe finds nothing, but ${violations.join("; ")}`);
  check(watch.errors.length === 0, `${statement}, a line opened: no error, but ${watch.errors.join("; ")}`);
  await page.screenshot({ path: join(SCREENSHOTS, `line-${WIDTHS[0]}-light.png`), fullPage: true, animations: "disabled" });
}

/** Presses a button of a form, and waits for the page that answers. */
async function press(page, selector) {
  await Promise.all([page.waitForEvent("framenavigated"), page.locator(selector).first().click()]);
  await page.waitForLoadState("load");
}

/** The form of a new contract with every kind of clause in it. It is not weighed: nobody has such a contract. */
async function openEveryClause(tab) {
  const { page, watch } = tab;
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  watch.reset();
  await page.goto("/contracts/new");
  const options = await page.locator('select[name="kind"] option').all();
  const kinds = (await Promise.all(options.map((option) => option.getAttribute("value")))).filter((kind) => kind !== "");
  for (const kind of kinds) {
    await page.locator('select[name="kind"]').selectOption(kind);
    await press(page, 'button[name="add"]');
  }
  const open = await page.locator('main input[name^="clauses."][name$=".word"]').count();
  check(kinds.length > 0 && open >= kinds.length, `/contracts/new: opens ${kinds.length} kinds of clauses, and shows ${open}`);
  await examineWidths(tab, "contract-form", "/contracts/new, every kind of clause");
}

/** What was issued names who sells and who buys: each has its electronic invoice, and a PDF where the page leads to one. */
async function takeInvoices(browser, demo, role) {
  const { context, page } = await signedIn(browser, demo, role, true);
  const issued = new Set();
  for (const state of ["issued", "corrected"]) {
    await page.goto(`/statements?state=${state}`);
    const links = await page.locator("main a[href]").all();
    const hrefs = await Promise.all(links.map((link) => link.getAttribute("href")));
    for (const href of hrefs.filter((href) => STATEMENT.test(href))) issued.add(href);
  }
  check(issued.size > 0, "/statements: something was issued");
  for (const href of issued) {
    for (const syntax of ["ubl", "cii"]) {
      const invoice = await page.request.get(`${href}/einvoice.xml?syntax=${syntax}`);
      const text = await invoice.text();
      const where = `${href}, the electronic invoice (${syntax})`;
      check(invoice.status() === 200 && text.includes("<"), `${where}: answers 200, not ${invoice.status()}: ${text.slice(0, 400)}`);
      check(/DE123456788|ESB12345674/.test(text), `${where}: names who sells`);
    }
    await page.goto(href);
    if ((await page.locator('main a[href$="/statement.pdf"]').count()) === 0) continue;
    const pdf = await page.request.get(`${href}/statement.pdf`);
    const head = (await pdf.body()).subarray(0, 5).toString();
    check(pdf.status() === 200 && head === "%PDF-", `${href}/statement.pdf: is a PDF, not ${pdf.status()} ${head}`);
  }
  await context.close();
}

/** The preview of a new version: the last periods as they were, and as they would have been. */
async function preview(tab, version) {
  const { page, watch } = tab;
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  watch.reset();
  await page.goto(version);
  await press(page, 'main button[name="preview"]:not(.vh)');
  check((await page.locator("#preview-heading").count()) === 1, `${version}: a preview is shown`);
  const periods = await page.locator('main section[aria-label$=", before and after"] table').count();
  check(periods > 0, `${version}: the preview compares at least one period`);
  await examineWidths(tab, "preview", `${version}, the preview`);
}

/** Every page of a role, in every width and scheme. Gives the title line of each, by address. */
async function visit(browser, demo, role) {
  const [headings, found] = [{}, {}];
  const tab = await signedIn(browser, demo, role, true);
  for (const entry of PAGES[role]) {
    // One page that is not there hides no other.
    await part(`${role}, ${entry.name}`, async () => {
      const { name, has } = entry;
      const path = await pathOf(tab, entry, found);
      found[name] = path;
      for (const width of WIDTHS) {
        for (const scheme of SCHEMES) await look(tab, { name, path, width, scheme, has });
      }
      headings[path] = { heading: await tab.page.locator("h1").first().innerText(), follow: entry.follow };
      if (entry.unfold) await unfold(tab, { name, path });
      if (entry.follow) {
        await tab.page.emulateMedia({ colorScheme: "light" });
        await openLine(tab, path);
        await followLines(tab, path, "with JavaScript");
      }
    });
  }
  if (role === "reseller") {
    await part("every kind of clause", () => openEveryClause(tab));
    await part("the preview", () => preview(tab, found.version));
  }
  await tab.context.close();
  return headings;
}

/** The same pages without JavaScript say the same. */
async function visitWithoutScript(browser, demo, role, headings) {
  const tab = await signedIn(browser, demo, role, false);
  for (const [path, { heading, follow }] of Object.entries(headings)) {
    tab.watch.reset();
    const response = await tab.page.goto(path);
    const where = `${path} without JavaScript`;
    check(response?.status() === 200, `${where}: answers 200, not ${response?.status()}`);
    check((await tab.page.locator("h1").first().innerText()) === heading, `${where}: has the heading ${heading}`);
    check((await tab.page.locator("main").first().innerText()).length > heading.length, `${where}: shows more than a heading`);
    if (follow) await followLines(tab, path, "without JavaScript");
  }
  await tab.context.close();
}

/** Runs one part; what it throws is a failure like any other, and the next part still runs. */
async function part(name, run) {
  try {
    return await run();
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
    return {};
  }
}

async function main() {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const demo = await startDemo();
  try {
    const browser = await launch();
    try {
      for (const role of Object.keys(PAGES)) {
        if (!demo.signIns[role]) {
          failures.push(`the demo prints no line "sign-in: ${role} <email> <password>"`);
          continue;
        }
        const headings = await part(role, () => visit(browser, demo, role));
        await part(`${role} without JavaScript`, () => visitWithoutScript(browser, demo, role, headings));
      }
      for (const role of ["reseller", "other reseller"]) await part(`${role}, invoices`, () => takeInvoices(browser, demo, role));
    } finally {
      await browser.close();
    }
  } finally {
    await demo.stop();
  }
}

try {
  await main();
} catch (error) {
  failures.push(error.message);
}
for (const failure of failures) console.error(`failed: ${failure}`);
if (failures.length > 0) console.error(`${failures.length} browser checks failed, ${passed} passed`);
else console.log(`${passed} browser checks passed`);
process.exitCode = failures.length > 0 ? 1 : 0;
