//! Text in the repository is plain American English, as far as words can show.

use std::path::{Path, PathBuf};

/// Where words are not ours, or are data.
const SKIPPED: [&str; 9] =
    [".git", "target", ".mujoco", "node_modules", "corpus", "fixtures", "golden", "bundled", "snapshots"];
const EXTENSIONS: [&str; 8] = ["rs", "md", "py", "pyi", "js", "html", "toml", "h"];

/// British spellings by their beginnings, and what to write.
const SPELLINGS: [(&str, &str); 24] = [
    ("artefact", "artifact"),
    ("behaviour", "behavior"),
    ("centre", "center"),
    ("colour", "color"),
    ("favour", "favor"),
    ("generalis", "generaliz"),
    ("initialis", "initializ"),
    ("labelled", "labeled"),
    ("learnt", "learned"),
    ("licence", "license"),
    ("maximis", "maximiz"),
    ("minimis", "minimiz"),
    ("misspelt", "misspelled"),
    ("modelled", "modeled"),
    ("neighbour", "neighbor"),
    ("normalis", "normaliz"),
    ("optimis", "optimiz"),
    ("organis", "organiz"),
    ("recognis", "recogniz"),
    ("regularis", "regulariz"),
    ("serialis", "serializ"),
    ("standardis", "standardiz"),
    ("summaris", "summariz"),
    ("visualis", "visualiz"),
];

/// Phrases that read as translated, and what to write.
const PHRASES: [(&str, &str); 12] = [
    ("of equals", "on a tie"),
    ("so manieth", "n-th"),
    ("for want of", "because there is no"),
    ("by a name that", "under a name that"),
    ("whom ", "who"),
    ("are no figures", "are not figures"),
    ("has not come back", "did not return"),
    ("what would be right", "how to fix it"),
    ("goes on with", "resumes"),
    ("go on with", "resume"),
    ("as far as it goes", ""),
    ("in the place of", "instead of"),
];

/// What may follow "is no" and "are no".
const AFTER_NO: [&str; 8] = ["longer", "more", "worse", "better", "less", "such", "one", "excuse"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder's entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if SKIPPED.contains(&name) {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().and_then(|extension| extension.to_str()).is_some_and(|own| EXTENSIONS.contains(&own))
        {
            found.push(path);
        }
    }
}

/// What is wrong with a line, if anything.
fn fault(line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let words = || lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
    if let Some((british, american)) =
        SPELLINGS.iter().find(|(british, _)| words().any(|word| word.starts_with(british)))
    {
        return Some(format!("`{british}…` is British, write `{american}…`"));
    }
    if let Some((phrase, better)) = PHRASES.iter().find(|(phrase, _)| lower.contains(phrase)) {
        return Some(format!("instead of `{phrase}` write `{better}`"));
    }
    if matches!(line.trim_start(), "/// It." | "/// They." | "/// Its." | "/// That.") {
        return Some("a doc comment that is a pronoun says nothing".to_owned());
    }
    let words: Vec<&str> = words().collect();
    let is_translated = |three: &[&str]| {
        let [before, verb, no, after] = three else { return false };
        !matches!(*before, "there" | "where" | "here")
            && matches!(*verb, "is" | "are")
            && *no == "no"
            && !AFTER_NO.contains(after)
    };
    let found = words.windows(4).find(|four| is_translated(four))?;
    Some(format!("instead of `{} no {}` write `{} not a {}`", found[1], found[3], found[1], found[3]))
}

#[test]
fn prose_is_plain_american_english() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root");
    let mut paths = Vec::new();
    files(root, &mut paths);
    paths.sort();
    assert!(paths.len() > 300, "only {} files found", paths.len());
    let mut faults = Vec::new();
    for path in paths.iter().filter(|path| !path.ends_with("xtask/tests/prose.rs")) {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let place = path.strip_prefix(root).unwrap_or(path).display();
        let own = text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, fault(line)?)));
        faults.extend(own.map(|(line, fault)| format!("{place}:{line}: {fault}")));
    }
    assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn faults_are_found_and_nothing_else_is() {
    for wrong in ["/// It.", "the colour of it", "`x` is no number", "every so manieth row", "Neighbouring rows"] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    for right in ["there is no number", "it is no longer here", "color", "/// It is here.", "where there are no rows"] {
        assert_eq!(fault(right), None, "{right}");
    }
}
