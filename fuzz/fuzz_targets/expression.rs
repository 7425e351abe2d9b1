//! Text and JSON that claim to be an expression or a formula.

#![no_main]

use libfuzzer_sys::fuzz_target;
use kanrl_symbolic::{Expression, Formula};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read: [Option<Expression>; 2] = [text.parse().ok(), serde_json::from_str(text).ok()];
    for expression in read.into_iter().flatten() {
        let printed = expression.to_string();
        assert_eq!(printed.parse::<Expression>().as_ref(), Ok(&expression), "{printed}");
        let json = serde_json::to_string(&expression).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<Expression>(&json).ok().as_ref(), Some(&expression), "{json}");
        let _ = expression.derivative("x");
        expression.operations();
    }
    if let Ok(formula) = Formula::from_json(text) {
        assert_eq!(Formula::from_json(&formula.to_json()), Ok(formula));
    }
});
