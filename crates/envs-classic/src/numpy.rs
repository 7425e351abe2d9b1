//! NumPy's scalar functions where their last bit is not that of the obvious Rust.

use std::hint::black_box;

/// `x**2` of a float64 scalar: the C library's `pow`, which differs from `x*x` in the last bit once in a thousand.
///
/// glibc's `pow` is wrong by 0.511 units in the last place at most where `2 ln x` is moderate (its exponential by 0.511, its
/// logarithm by 2⁻⁶⁷ of itself), so the two can differ only where `x²` lies that close to the middle between two numbers:
/// `pow` is asked there with a margin, and where the product is small or large.
#[inline]
pub(crate) fn squared(x: f64) -> f64 {
    let product = x * x;
    // Dekker's exact error of the product, from halves of 26 bits.
    let scaled = 134_217_729.0 * x;
    let high = scaled - (scaled - x);
    let low = x - high;
    let error = ((high * high - product) + 2.0 * high * low) + low * low;
    let exponent = product.to_bits() & 0x7ff0_0000_0000_0000;
    let last_place = f64::from_bits(exponent) * f64::EPSILON;
    let clear = error.abs() < 0.48 * last_place && (1e-20..1e20).contains(&product);
    if clear { product } else { pow_2(x) }
}

#[cold]
fn pow_2(x: f64) -> f64 {
    // Seen as a constant, the exponent would make the compiler multiply instead.
    x.powf(black_box(2.0))
}

/// `x**2` of a float32 scalar: the C library's `powf`.
#[inline]
pub(crate) fn squared_f32(x: f32) -> f32 {
    x.powf(black_box(2.0))
}

/// `x % y` for `y > 0`, with the sign of `y`.
#[inline]
pub(crate) fn remainder(x: f64, y: f64) -> f64 {
    let rest = x % y;
    if rest < 0.0 { rest + y } else { rest.abs() }
}

/// `numpy.cos` and `numpy.sin` of a float32 with |x| < π/4: NumPy's own polynomials, evaluated with fused
/// multiply-adds, are not correctly rounded.
pub(crate) fn cos_sin_f32(x: f32) -> (f32, f32) {
    debug_assert!(x.abs() < std::f32::consts::FRAC_PI_4);
    let square = x * x;
    // Minimax coefficients of x⁸ … x⁰ and x⁹ … x³, by their bits.
    let cosine = [0x37cc_730b, 0xbab6_036e, 0x3d2a_aa9e, 0xbf00_0000, 0x3f80_0000].map(f32::from_bits);
    let sine = [0x363e_9dde, 0xb950_35dd, 0x3c08_88cd, 0xbe2a_aaab, 0].map(f32::from_bits);
    let horner = |coefficients: [f32; 5]| {
        coefficients.into_iter().reduce(|sum, coefficient| sum.mul_add(square, coefficient)).unwrap_or_default()
    };
    (horner(cosine), horner(sine).mul_add(x, x))
}

#[cfg(test)]
mod tests {
    use super::{cos_sin_f32, pow_2, remainder, squared};
    use kanrl_core::random::Generator;

    #[test]
    fn squares_are_the_c_librarys() {
        let mut generator = Generator::new(0);
        let mut differing = 0;
        for _ in 0..2_000_000 {
            let x = generator.uniform(-30.0, 30.0);
            assert_eq!(squared(x).to_bits(), pow_2(x).to_bits(), "{x}");
            differing += u32::from(pow_2(x) != x * x);
        }
        println!("pow(x, 2) differs from x*x for {differing} of 2000000");
        for x in [0.0, -0.0, 1.0, 0.1, 1e-160, 1e-11, 1e11, 1e160, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY] {
            assert_eq!(squared(x).to_bits(), pow_2(x).to_bits(), "{x}");
        }
        assert!(squared(f64::NAN).is_nan());
    }

    #[test]
    fn small_angles_are_numpys() {
        // numpy.cos and numpy.sin of float32; each is one unit off the correctly rounded value.
        let recorded = [(0x3db4_86ce, 0x3f7f_018e), (0x3db4_2547, 0x3db3_e9d4)];
        assert_eq!(cos_sin_f32(f32::from_bits(recorded[0].0)).0.to_bits(), recorded[0].1);
        assert_eq!(cos_sin_f32(f32::from_bits(recorded[1].0)).1.to_bits(), recorded[1].1);
    }

    #[test]
    fn remainders_have_the_sign_of_the_divisor() {
        assert_eq!([remainder(7.5, 2.0), remainder(-7.5, 2.0), remainder(-4.0, 2.0)], [1.5, 0.5, 0.0]);
    }
}
