//! Intervals compared with mpmath's.

use kanrl_core::random::Generator;
use kanrl_interval::Interval;
use kanrl_verify::Program;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reads lines `expression | low high | our low | our high` and evaluates them with intervals of 100 bits.
const SCRIPT: &str = r#"
import sys
from mpmath import iv, mp
iv.prec = mp.prec = 100
functions = {name: getattr(iv, name) for name in ("sin", "cos", "exp", "log", "sqrt")}
count = 0
for line in sys.stdin:
    text, low, high, ours_low, ours_high = line.rstrip("\n").split("|")
    x = iv.mpf([mp.mpf(low), mp.mpf(high)])
    theirs = eval(text.replace("^", "**"), functions, {"x": x})
    a, b = mp.mpf(ours_low), mp.mpf(ours_high)
    low, high = mp.mpf(theirs.a), mp.mpf(theirs.b)
    assert a <= low and high <= b, (text, line, theirs)
    slack = mp.mpf(10) ** -11 * (1 + abs(low) + abs(high))
    assert low - a < slack and b - high < slack, ("too wide", text, line, theirs)
    count += 1
print(count)
"#;

fn python() -> Option<PathBuf> {
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let mut candidates: Vec<PathBuf> = std::env::var_os("KANRL_PYTHON").map(PathBuf::from).into_iter().collect();
    candidates.extend([set_up, PathBuf::from("python3")]);
    let works = |program: &&PathBuf| {
        Command::new(program).args(["-c", "import mpmath"]).output().is_ok_and(|output| output.status.success())
    };
    let found = candidates.iter().find(works).cloned();
    if found.is_none() {
        println!("skipped: no Python with mpmath (tried {candidates:?})");
        assert!(
            std::env::var_os("CI").is_none(),
            "mpmath is missing on CI; `cargo xtask setup` installs it with SymPy"
        );
    }
    found
}

#[test]
fn intervals_enclose_mpmaths_and_are_only_as_wide_as_rounding_asks_for() {
    let Some(python) = python() else { return };
    let mut random = Generator::new(1);
    let mut lines = String::new();
    let mut count = 0;
    for text in
        ["x^2", "x^3", "sin(x)", "cos(x)", "exp(x)", "1/(x + 10)", "log(x + 10)", "sqrt(x + 10)", "sin(cos(x)) - 3.5"]
    {
        let program = Program::new(&[text.parse().expect("an expression")], &["x"]).expect("known");
        for _ in 0..60 {
            let low = random.uniform(-6.0, 6.0);
            let x = Interval::new(low, low + 5.0 * random.uniform(0.0, 1.0).powi(4));
            let bounds = program.evaluate(&[x])[0];
            // 17 digits say a double exactly enough to be read back as it is.
            lines += &format!("{text}|{:.60}|{:.60}|{:.60}|{:.60}\n", x.low, x.high, bounds.low, bounds.high);
            count += 1;
        }
    }
    let mut child = Command::new(&python)
        .args(["-c", SCRIPT])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(child.stdin.as_mut().expect("a pipe"), lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), count.to_string());
}
