//! What every page is made of: the frame around it, and the small pieces that templates show
//! (a status, a grade, a form field, a list of facts).
//!
//! A piece renders itself and escapes its own texts, so a page's template just names it.
//! Deliberately absent: sessions, routes and the database; handlers fill these structs.

use askama::Template;
use askama::filters::HtmlSafe;
use report::Grade;

/// The style sheet of all pages.
const STYLE: &str = include_str!("style.css");
/// The script of all pages.
const SCRIPT: &str = include_str!("app.js");
/// The mark beside a page's title.
const MARK: &str = include_str!("mark.svg");

/// FNV-1a of a file's text: names its version in its address. It guards a cache, not a secret.
const fn fingerprint(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

const STYLE_HASH: u64 = fingerprint(STYLE);
const SCRIPT_HASH: u64 = fingerprint(SCRIPT);
const MARK_HASH: u64 = fingerprint(MARK);

/// The addresses of the files that every page links.
#[derive(Debug, Clone)]
pub(crate) struct Assets {
    /// The style sheet's address.
    pub(crate) css: String,
    /// The script's address.
    pub(crate) js: String,
    /// The mark's address.
    pub(crate) icon: String,
}

impl Assets {
    /// The addresses of the files this program carries.
    pub(crate) fn current() -> Assets {
        Assets {
            css: format!("/assets/style-{STYLE_HASH:016x}.css"),
            js: format!("/assets/app-{SCRIPT_HASH:016x}.js"),
            icon: format!("/assets/mark-{MARK_HASH:016x}.svg"),
        }
    }

    /// Content type and text of the file at `path`, such as `/assets/app-….js`; it never changes there.
    pub(crate) fn at(path: &str) -> Option<(&'static str, &'static str)> {
        let assets = Assets::current();
        if path == assets.css {
            Some(("text/css; charset=utf-8", STYLE))
        } else if path == assets.js {
            Some(("text/javascript; charset=utf-8", SCRIPT))
        } else if path == assets.icon {
            Some(("image/svg+xml", MARK))
        } else {
            None
        }
    }
}

/// What stands around a page that needs no sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The linked files.
    pub(crate) assets: Assets,
    /// The window's title, without the product's name.
    pub(crate) title: String,
    /// How much faster the demo's day runs, where this is the demo.
    pub(crate) demo: Option<String>,
}

/// What stands around a page of somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    /// The linked files.
    pub(crate) assets: Assets,
    /// The window's title, without the product's name.
    pub(crate) title: String,
    /// Where the mark leads: `/`, or `/my` for a customer.
    pub(crate) home: &'static str,
    /// The navigation, see [`navigation`].
    pub(crate) groups: Vec<NavGroup>,
    /// Whether this person may search all printers.
    pub(crate) search: bool,
    /// Whose data this is: the reseller's name, or the customer's for its own people.
    pub(crate) tenant: String,
    /// Who is signed in.
    pub(crate) who: String,
    /// Their role, as a word.
    pub(crate) role: String,
    /// The token that every form must send back in its field `csrf`.
    pub(crate) csrf: String,
    /// What the last act did.
    pub(crate) flash: Option<Flash>,
    /// How much faster the demo's day runs, where this is the demo.
    pub(crate) demo: Option<String>,
}

/// The word about the last act, shown once.
#[derive(Debug, Clone)]
pub(crate) struct Flash {
    /// Whether it went well.
    pub(crate) tone: Tone,
    /// What happened, as a sentence.
    pub(crate) text: String,
}

/// A group of the navigation.
#[derive(Debug, Clone)]
pub(crate) struct NavGroup {
    /// Its heading.
    pub(crate) label: &'static str,
    /// Its pages.
    pub(crate) links: Vec<NavLink>,
}

/// A page in the navigation.
#[derive(Debug, Clone)]
pub(crate) struct NavLink {
    /// Its name.
    pub(crate) label: &'static str,
    /// Its address.
    pub(crate) href: &'static str,
    /// How many things stand there, where counting them helps.
    pub(crate) count: Option<i64>,
    /// Whether the reader is there now.
    pub(crate) current: bool,
}

/// The numbers beside the navigation's links; `None` shows no number.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NavCounts {
    /// Things to do.
    pub(crate) home: Option<i64>,
    /// Printers.
    pub(crate) printers: Option<i64>,
    /// Statements that wait for approval.
    pub(crate) statements: Option<i64>,
    /// Contracts.
    pub(crate) contracts: Option<i64>,
    /// Customers.
    pub(crate) customers: Option<i64>,
    /// Agents.
    pub(crate) agents: Option<i64>,
}

/// The navigation of a reseller's people; `here` is the address of the current list, such as `/printers`.
pub(crate) fn navigation(here: &str, counts: &NavCounts) -> Vec<NavGroup> {
    let link = |label, href, count| NavLink { label, href, count, current: href == here };
    vec![
        NavGroup {
            label: "Work",
            links: vec![
                link("Work to do", "/", counts.home),
                link("Printers", "/printers", counts.printers),
                link("Jobs", "/jobs", None),
            ],
        },
        NavGroup {
            label: "Billing",
            links: vec![
                link("Billing run", "/billing", None),
                link("Statements", "/statements", counts.statements),
                link("Contracts", "/contracts", counts.contracts),
                link("Readings", "/readings", None),
            ],
        },
        NavGroup {
            label: "Fleet",
            links: vec![link("Customers", "/customers", counts.customers), link("Agents", "/agents", counts.agents)],
        },
        NavGroup { label: "Reseller", links: vec![link("People", "/people", None)] },
    ]
}

/// The navigation of the operator.
pub(crate) fn operator_navigation() -> Vec<NavGroup> {
    let link = NavLink { label: "Resellers", href: "/operator", count: None, current: true };
    vec![NavGroup { label: "Operator", links: vec![link] }]
}

/// The navigation of a customer's own people; `here` as in [`navigation`].
pub(crate) fn customer_navigation(here: &str) -> Vec<NavGroup> {
    let link = |label, href| NavLink { label, href, count: None, current: here == href };
    vec![NavGroup { label: "Your printing", links: vec![link("Overview", "/my"), link("Readings", "/my/readings")] }]
}

/// How things stand, at a glance. Never shown by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be: a disc.
    Good,
    /// Needs somebody soon: a triangle.
    Warn,
    /// Needs somebody now: a square.
    Bad,
    /// Good to know: a ring.
    Info,
}

impl Tone {
    /// The style sheet's class.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
            Tone::Info => "info",
        }
    }

    /// The shape as an SVG path in a square of 12.
    fn shape(self) -> &'static str {
        match self {
            Tone::Good => "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1z",
            Tone::Warn => "M6 .8 11.6 11H.4z",
            Tone::Bad => "M1 1h10v10H1z",
            Tone::Info => "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1zm0 1.7a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6z",
        }
    }
}

/// A status: a word with a shape.
#[derive(Debug, Clone, Template)]
#[template(path = "shell/status.html")]
pub(crate) struct Status {
    tone: Tone,
    word: String,
}

impl HtmlSafe for Status {}

impl Status {
    /// The status `word`.
    pub(crate) fn new(tone: Tone, word: impl Into<String>) -> Status {
        Status { tone, word: word.into() }
    }

    /// The word alone, where its list says the rest.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }
}

/// How well a reading is proved: the letter, with its meaning in words.
#[derive(Debug, Clone, Template)]
#[template(path = "shell/badge.html")]
pub(crate) struct Badge {
    letter: &'static str,
    words: &'static str,
}

impl HtmlSafe for Badge {}

impl From<Grade> for Badge {
    fn from(grade: Grade) -> Badge {
        Badge { letter: grade.word(), words: grade_words(grade) }
    }
}

/// What a grade means, in words.
pub(crate) fn grade_words(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "signed by the printer",
        Grade::B => "read by a collector over a pinned link",
        Grade::C => "read over an open link or entered by a person",
    }
}

/// A text that leads somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The text.
    pub(crate) text: String,
    /// The address.
    pub(crate) href: String,
}

impl Link {
    /// `text` leading to `href`.
    pub(crate) fn new(text: impl Into<String>, href: impl Into<String>) -> Link {
        Link { text: text.into(), href: href.into() }
    }
}

/// A filter or a tab: a link that may be the one in force.
#[derive(Debug, Clone)]
pub(crate) struct Chip {
    /// What it shows, with its count: `Late 4`.
    pub(crate) label: String,
    /// The filtered list's address.
    pub(crate) href: String,
    /// Whether it is in force.
    pub(crate) on: bool,
}

impl Chip {
    /// A filter or tab `label` at `href`.
    pub(crate) fn new(label: impl Into<String>, href: impl Into<String>, on: bool) -> Chip {
        Chip { label: label.into(), href: href.into(), on }
    }
}

/// One thing known, with its name.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    /// Its name.
    pub(crate) label: String,
    /// Its value with its unit.
    pub(crate) value: String,
    /// Where it leads.
    pub(crate) href: Option<String>,
}

impl Fact {
    /// The fact `label`: `value`.
    pub(crate) fn new(label: impl Into<String>, value: impl Into<String>) -> Fact {
        Fact { label: label.into(), value: value.into(), href: None }
    }

    /// The same fact, leading to `href`.
    pub(crate) fn linked(self, href: impl Into<String>) -> Fact {
        Fact { href: Some(href.into()), ..self }
    }
}

/// Which part of a long list is shown.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    /// Which rows of how many: `1–50 of 214`.
    pub(crate) words: String,
    /// The part before.
    pub(crate) previous: Option<String>,
    /// The part after.
    pub(crate) next: Option<String>,
}

impl Pager {
    /// The part of `shown` rows after the first `skipped` of `total`, with the neighbours' addresses.
    pub(crate) fn new(
        skipped: usize,
        shown: usize,
        total: usize,
        previous: Option<String>,
        next: Option<String>,
    ) -> Pager {
        let words = match shown {
            0 => "none".to_owned(),
            _ => format!("{}–{} of {total}", skipped + 1, skipped + shown),
        };
        Pager { words, previous, next }
    }
}

/// What a form did wrong, on top of it.
#[derive(Debug, Clone)]
pub(crate) struct FormError {
    /// The `id` of the field, as [`Field::id`] names it.
    pub(crate) field: String,
    /// The field and why: `Price 2: 0,14a is not a number`.
    pub(crate) text: String,
}

impl FormError {
    /// What is wrong with the field called `name`.
    pub(crate) fn at(name: &str, text: impl Into<String>) -> FormError {
        FormError { field: Field::id(name), text: text.into() }
    }

    /// What of `errors` is said of the field called `name`.
    pub(crate) fn of(errors: &[FormError], name: &str) -> Option<String> {
        let element = Field::id(name);
        errors.iter().find(|error| error.field == element).map(|error| error.text.clone())
    }
}

/// A choice of a list.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What the form sends.
    pub(crate) value: String,
    /// What the reader sees.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) selected: bool,
}

/// A box to tick.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The form's name of it.
    pub(crate) name: String,
    /// What the form sends when it is ticked.
    pub(crate) value: String,
    /// What the reader sees.
    pub(crate) label: String,
    /// Whether it is ticked.
    pub(crate) checked: bool,
}

/// One field of a form with its label; it keeps what was typed and says what is wrong.
#[derive(Debug, Clone, Template)]
#[template(path = "shell/field.html")]
pub(crate) struct Field {
    id: String,
    name: String,
    label: String,
    kind: &'static str,
    value: String,
    choices: Vec<Choice>,
    autocomplete: Option<&'static str>,
    inputmode: Option<&'static str>,
    list: Option<&'static str>,
    required: bool,
    hint: Option<String>,
    wrong: Option<String>,
}

impl HtmlSafe for Field {}

impl Field {
    /// A field of the input type `kind`: `text`, `email`, `password`, `date`, `search`.
    pub(crate) fn new(kind: &'static str, name: impl Into<String>, label: impl Into<String>) -> Field {
        let name = name.into();
        Field {
            id: Field::id(&name),
            name,
            label: label.into(),
            kind,
            value: String::new(),
            choices: Vec::new(),
            autocomplete: None,
            inputmode: None,
            list: None,
            required: false,
            hint: None,
            wrong: None,
        }
    }

    /// A field of text.
    pub(crate) fn text(name: impl Into<String>, label: impl Into<String>) -> Field {
        Field::new("text", name, label)
    }

    /// A field for a number with decimals, typed as text so that nothing is rounded on the way.
    pub(crate) fn number(name: impl Into<String>, label: impl Into<String>) -> Field {
        Field { inputmode: Some("decimal"), ..Field::new("text", name, label) }
    }

    /// A field of several lines.
    pub(crate) fn lines(name: impl Into<String>, label: impl Into<String>) -> Field {
        Field::new("lines", name, label)
    }

    /// A list of (value, label) to choose from; `value` is the chosen one.
    pub(crate) fn select<V, L>(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = (V, L)>,
        value: &str,
    ) -> Field
    where
        V: Into<String>,
        L: Into<String>,
    {
        let choice = |(key, label): (V, L)| {
            let key: String = key.into();
            Choice { selected: key == value, value: key, label: label.into() }
        };
        Field { choices: choices.into_iter().map(choice).collect(), ..Field::new("select", name, label) }
    }

    /// The element id of the field called `name`, for [`FormError::field`].
    pub(crate) fn id(name: &str) -> String {
        format!("f-{}", name.replace('.', "-"))
    }

    /// With what was typed, or what stands there now.
    pub(crate) fn value(self, value: impl Into<String>) -> Field {
        Field { value: value.into(), ..self }
    }

    /// With the browser's name for what belongs here, such as `username`.
    pub(crate) fn autocomplete(self, autocomplete: &'static str) -> Field {
        Field { autocomplete: Some(autocomplete), ..self }
    }

    /// With the words of the page's `datalist` of that id to choose from, beside what is typed.
    pub(crate) fn suggest(self, list: &'static str) -> Field {
        Field { list: Some(list), ..self }
    }

    /// A field that must be filled.
    pub(crate) fn required(self) -> Field {
        Field { required: true, ..self }
    }

    /// With a word of help below.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Field {
        Field { hint: Some(hint.into()), ..self }
    }

    /// With what is wrong with the value, if anything is.
    pub(crate) fn wrong(self, wrong: Option<String>) -> Field {
        Field { wrong, ..self }
    }

    fn is_select(&self) -> bool {
        self.kind == "select"
    }

    fn has_lines(&self) -> bool {
        self.kind == "lines"
    }

    fn described(&self) -> bool {
        self.hint.is_some() || self.wrong.is_some()
    }
}

/// A secret that is shown once, with what to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    /// What it is for, as a sentence that also says how long it holds.
    pub(crate) words: String,
    /// The address or secret.
    pub(crate) secret: String,
}

/// A page for what could not be shown, in words.
#[derive(Debug, Clone, Template)]
#[template(path = "shell/error.html")]
pub(crate) struct ErrorPage {
    frame: Frame,
    code: u16,
    heading: &'static str,
    words: String,
    missing: Vec<Missing>,
}

/// Something that stands in the way of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// What it is, a sentence.
    pub(crate) text: String,
    /// Where it is settled, if that is one place.
    pub(crate) href: Option<String>,
}

impl ErrorPage {
    /// The page for the HTTP status `code`. `words` replace the usual sentence where they help the reader;
    /// they never hold a cause, which belongs in the log.
    pub(crate) fn new(code: u16, words: Option<String>, demo: Option<String>) -> ErrorPage {
        let (heading, usual) = match code {
            400 => ("We could not read that", "Something in the form or address makes no sense to us."),
            403 => {
                ("Not yours to see", "Your role does not include this. An administrator of your company can change it.")
            }
            404 => ("Nothing here", "There is no such page, or it does not belong to your company."),
            409 => (
                "That cannot be done now",
                "This changed while you were working on it. Go back, reload and look again.",
            ),
            429 => ("Too many tries", "Wait a minute, then try again."),
            _ => ("That failed on our side", "It is written to the log. Nothing of yours was changed half-way."),
        };
        let words = words.unwrap_or_else(|| usual.to_owned());
        let frame = Frame { assets: Assets::current(), title: heading.to_owned(), demo };
        ErrorPage { frame, code, heading, words, missing: Vec::new() }
    }

    /// With what stands in the way, each with the page where it is settled.
    pub(crate) fn missing(self, missing: Vec<Missing>) -> ErrorPage {
        ErrorPage { missing, ..self }
    }
}

#[cfg(test)]
impl Frame {
    pub(crate) fn sample(title: &str) -> Frame {
        Frame { assets: Assets::current(), title: title.to_owned(), demo: None }
    }
}

#[cfg(test)]
impl Chrome {
    pub(crate) fn sample(title: &str, here: &str) -> Chrome {
        let counts = NavCounts {
            home: Some(12),
            printers: Some(214),
            statements: Some(41),
            contracts: Some(38),
            customers: Some(27),
            agents: Some(31),
        };
        Chrome {
            assets: Assets::current(),
            title: title.to_owned(),
            home: "/",
            groups: navigation(here, &counts),
            search: true,
            tenant: "Nordhang Repro".to_owned(),
            who: "Ada <script>alert(1)</script>".to_owned(),
            role: "billing".to_owned(),
            csrf: "c5rf-t0ken".to_owned(),
            flash: None,
            demo: Some("Demo: one day here takes ten minutes.".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_answers_only_at_its_own_version() {
        let assets = Assets::current();
        assert!(Assets::at(&assets.css).is_some_and(|(kind, text)| kind.starts_with("text/css") && text == STYLE));
        assert!(Assets::at(&assets.js).is_some_and(|(kind, _)| kind.starts_with("text/javascript")));
        assert!(Assets::at("/assets/style-0000000000000000.css").is_none());
        assert!(Assets::at("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn a_field_keeps_what_was_typed_and_says_what_is_wrong() {
        let field = Field::number("prices.1.price", "Price").value("0,14\"a").wrong(Some("is not a number".to_owned()));
        let html = field.to_string();
        assert!(html.contains(r#"id="f-prices-1-price""#), "{html}");
        assert!(html.contains(r#"value="0,14&#34;a""#), "{html}");
        assert!(html.contains("is not a number"), "{html}");
        assert!(html.contains(r#"aria-invalid="true""#), "{html}");
    }

    #[test]
    fn a_field_of_lines_keeps_its_lines_and_escapes_them() {
        let html = Field::lines("ranges", "Ranges").value("192.0.2.1\n</textarea>").to_string();
        assert!(html.contains("192.0.2.1\n&#60;/textarea&#62;</textarea>"), "{html}");
        assert!(!html.contains("<input"), "{html}");
    }

    #[test]
    fn a_status_is_a_word_with_a_shape() {
        let html = Status::new(Tone::Bad, "Silent <4 d>").to_string();
        assert!(html.contains("<svg") && html.contains("Silent &#60;4 d&#62;"), "{html}");
    }

    #[test]
    fn an_empty_list_pages_as_none() {
        assert_eq!(Pager::new(0, 0, 0, None, None).words, "none");
        assert_eq!(Pager::new(50, 14, 64, None, None).words, "51–64 of 64");
    }
}
