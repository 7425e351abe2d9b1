//! The page: compiled in, or read from a folder while it is being worked on.

use std::borrow::Cow;
use std::path::Path;

/// Name, media type and content of every file of the page.
const ASSETS: [(&str, &str, &[u8]); 27] = [
    ("index.html", "text/html; charset=utf-8", include_bytes!("../assets/index.html")),
    ("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    ("app.js", SCRIPT, include_bytes!("../assets/app.js")),
    ("page.js", SCRIPT, include_bytes!("../assets/page.js")),
    ("start.js", SCRIPT, include_bytes!("../assets/start.js")),
    ("run.js", SCRIPT, include_bytes!("../assets/run.js")),
    ("runs.js", SCRIPT, include_bytes!("../assets/runs.js")),
    ("progress.js", SCRIPT, include_bytes!("../assets/progress.js")),
    ("diagram.js", SCRIPT, include_bytes!("../assets/diagram.js")),
    ("formula.js", SCRIPT, include_bytes!("../assets/formula.js")),
    ("chart.js", SCRIPT, include_bytes!("../assets/chart.js")),
    ("bench.js", SCRIPT, include_bytes!("../assets/bench.js")),
    ("classic.js", SCRIPT, include_bytes!("../assets/classic.js")),
    ("compare.js", SCRIPT, include_bytes!("../assets/compare.js")),
    ("expression.js", SCRIPT, include_bytes!("../assets/expression.js")),
    ("forms.js", SCRIPT, include_bytes!("../assets/forms.js")),
    ("tuner.js", SCRIPT, include_bytes!("../assets/tuner.js")),
    ("frozen.js", SCRIPT, include_bytes!("../assets/frozen.js")),
    ("returns.js", SCRIPT, include_bytes!("../assets/returns.js")),
    ("gallery.js", SCRIPT, include_bytes!("../assets/gallery.js")),
    ("thumbnail.js", SCRIPT, include_bytes!("../assets/thumbnail.js")),
    ("play.js", SCRIPT, include_bytes!("../assets/play.js")),
    ("player.js", SCRIPT, include_bytes!("../assets/player.js")),
    ("story.js", SCRIPT, include_bytes!("../assets/story.js")),
    ("tree.js", SCRIPT, include_bytes!("../assets/tree.js")),
    ("typeset.js", SCRIPT, include_bytes!("../assets/typeset.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The names of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    ASSETS.into_iter().map(|(name, ..)| name)
}

/// A file of the page with its media type: from `folder` where one is given and has it.
pub fn find(name: &str, folder: Option<&Path>) -> Option<(Cow<'static, [u8]>, &'static str)> {
    let (name, media_type, bytes) = ASSETS.into_iter().find(|(known, _, _)| *known == name)?;
    let own = folder.and_then(|folder| std::fs::read(folder.join(name)).ok());
    Some((own.map_or(Cow::Borrowed(bytes), Cow::Owned), media_type))
}

#[cfg(test)]
mod tests {
    use super::ASSETS;

    #[test]
    fn the_first_page_is_small_and_loads_nothing_from_elsewhere() {
        let total: usize = ASSETS.iter().map(|(_, _, bytes)| bytes.len()).sum();
        assert!(total <= 250_000, "{total} bytes");
        for (name, _, bytes) in ASSETS {
            let text = String::from_utf8_lossy(bytes).replace("http://www.w3.org/", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
        }
    }
}
