//! What a description length must tell apart.

use kanrl_symbolic::Expression;

fn length(text: &str) -> f64 {
    text.parse::<Expression>().expect(text).description_length()
}

#[test]
fn it_is_the_sum_of_symbols_and_constants() {
    // Three nodes of three symbols (+, x, constant); the constant 5 takes log₂(1 + 5) + log₂(1 + 0) + 1 bits.
    assert!((length("x + 5") - (3.0 * 3f64.log2() + 6f64.log2() + 1.0)).abs() < 1e-12);
    // 0.25 is 25·10⁻², written 2.5e-1: digits 25, exponent 1.
    assert!((length("x + 0.25") - (3.0 * 3f64.log2() + 26f64.log2() + 1.0 + 1.0)).abs() < 1e-12);
    // One symbol costs no bits.
    assert_eq!(length("x"), 0.0);
    // Two nodes of two symbols.
    assert_eq!(length("sin(x)"), 2.0);
}

#[test]
fn longer_to_write_is_longer() {
    for (shorter, longer) in [
        ("3*x", "3.14*x"),
        ("3.14*x", "3.14159*x"),
        ("3*x", "3e12*x"),
        ("3*x + 1", "3*x + 2*y + 1"),
        ("sin(x) + sin(y)", "sin(x) + cos(y)"),
        ("x + y", "x + y + x*y"),
    ] {
        assert!(length(shorter) < length(longer), "{shorter}: {}, {longer}: {}", length(shorter), length(longer));
    }
    assert_eq!(length("3*x"), length("-3*x"), "a sign takes one bit either way");
    assert!(length("1e300*x + 1e-300").is_finite() && length("0*x").is_finite());
}
