//! Replays the fuzz target's corpus of configs: what resolves is written again to resolve to the same, every refusal says
//! where it is about, and nothing panics.

use kanrl_pipeline::config::{ConfigError, MergedConfig, RawConfig};
use std::path::Path;

fn resolve(raw: Result<RawConfig, ConfigError>) -> Result<String, ConfigError> {
    raw.and_then(|raw| MergedConfig::new(raw).resolve()).map(|config| config.to_toml())
}

#[test]
fn the_corpus_resolves_to_the_same_or_not_at_all() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/config");
    let (mut resolved, mut refused) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the committed corpus") {
        let bytes = std::fs::read(entry.expect("a readable folder").path()).expect("a readable file");
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for raw in [RawConfig::from_toml("x.toml", text), RawConfig::from_json("x.json", text)] {
            match resolve(raw) {
                Ok(written) => {
                    assert_eq!(resolve(RawConfig::from_toml("again", written.as_str())).expect("valid"), written);
                    resolved += 1;
                }
                Err(error) => {
                    assert!(error.span.is_none_or(|span| error.origin.text.get(span).is_some()), "{}", error.message);
                    refused += 1;
                }
            }
        }
    }
    assert!(resolved >= 4 && refused >= 4, "{resolved} configs were resolved and {refused} refused");
}
