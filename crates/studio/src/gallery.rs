//! Finished results that come with the program: they open without a run. Each is what [`crate::frozen`] makes of a run, compressed.

use crate::error::ApiError;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::Read;
use std::sync::LazyLock;

/// The results, by their environments.
const RESULTS: [(&str, &[u8]); 0] = [];

/// What a list shows of them.
static LIST: LazyLock<Value> = LazyLock::new(|| {
    let shown = |(id, bytes): &(&str, &[u8])| {
        let frozen: Value = serde_json::from_str(&text(bytes)?).ok()?;
        let metrics = &frozen["detail"]["metrics"];
        Some(json!({
            "id": id,
            "return": metrics["returns"]["headline"]["mean"],
            "expert": metrics["returns"]["expert"]["mean"],
            "operations": metrics["formulas"]["headline"]["operations"],
        }))
    };
    RESULTS.iter().filter_map(shown).collect()
});

/// Every result, in short.
pub fn list() -> &'static Value {
    &LIST
}

/// One of them, as JSON.
///
/// # Errors
/// Where there is none of that name.
pub fn find(id: &str) -> Result<String, ApiError> {
    let found = RESULTS.iter().find(|(known, _)| *known == id);
    found
        .and_then(|(_, bytes)| text(bytes))
        .ok_or_else(|| ApiError::not_found("there is no finished result of that name"))
}

fn text(compressed: &[u8]) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(compressed).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{RESULTS, find, list};
    use serde_json::Value;

    #[test]
    fn every_result_is_whole_and_of_its_environment() {
        assert_eq!(list().as_array().unwrap().len(), RESULTS.len());
        for (id, _) in RESULTS {
            let frozen: Value = serde_json::from_str(&find(id).unwrap()).unwrap();
            assert_eq!(frozen["detail"]["environment"], *id);
            assert_eq!(frozen["story"]["environment"]["id"], *id);
            assert!(frozen["story"]["candidates"].as_array().unwrap().len() > 1, "{id}");
            assert!(!frozen["story"]["experts"].as_array().unwrap().is_empty(), "{id}");
        }
        assert!(find("Nothing-v0").is_err());
    }
}
