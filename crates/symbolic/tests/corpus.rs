//! Replays the fuzz target's corpus: what is read is written again to read the same, and nothing panics.

use kanrl_symbolic::{Expression, Formula};
use std::path::Path;

#[test]
fn the_corpus_reads_the_same_or_not_at_all() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/expression");
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).expect("the committed corpus") {
        let path = entry.expect("a readable folder").path();
        let bytes = std::fs::read(&path).expect("a readable file");
        let text = String::from_utf8_lossy(&bytes);
        let found: [Option<Expression>; 2] = [text.parse().ok(), serde_json::from_str(&text).ok()];
        for expression in found.into_iter().flatten() {
            read += 1;
            assert_eq!(expression.to_string().parse::<Expression>().as_ref(), Ok(&expression), "{}", path.display());
            let json = serde_json::to_string(&expression).expect("what was read can be written");
            assert_eq!(
                serde_json::from_str::<Expression>(&json).ok().as_ref(),
                Some(&expression),
                "{}",
                path.display()
            );
            let _ = expression.derivative("x");
        }
        if let Ok(formula) = Formula::from_json(&text) {
            read += 1;
            assert_eq!(Formula::from_json(&formula.to_json()), Ok(formula));
        }
    }
    assert!(read >= 8, "{read} of the corpus could be read");
}
