//! Run configs as TOML and as JSON: what resolves is written again to resolve to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use kanrl_pipeline::config::{ConfigError, MergedConfig, RawConfig};

fn check(raw: Result<RawConfig, ConfigError>) {
    match raw.and_then(|raw| MergedConfig::new(raw).resolve()) {
        Ok(config) => {
            let text = config.to_toml();
            let again = RawConfig::from_toml("again", text.as_str()).expect("what was written is TOML");
            let again = MergedConfig::new(again).resolve().expect("what was resolved");
            assert_eq!(again.to_toml(), text);
            let _ = config.library.build();
            let _ = config.approximator.build(2, 1, config.seed);
        }
        Err(error) => {
            assert!(error.span.is_none_or(|span| error.origin.text.get(span).is_some()), "{}", error.message);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check(RawConfig::from_toml("fuzz.toml", text));
    check(RawConfig::from_json("fuzz.json", text));
});
