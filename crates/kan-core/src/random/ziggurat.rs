use super::Generator;
use super::ziggurat_tables::{ACCEPT_BELOW, DENSITY_BITS, WIDTH_BITS};

/// Where the tail begins.
const TAIL: f64 = 3.654_152_885_361_009;
const INVERSE_TAIL: f64 = 0.273_661_237_329_758_3;

/// Marsaglia and Tsang's ziggurat (<https://doi.org/10.18637/jss.v005.i08>) with NumPy's layers and order of draws.
pub(super) fn standard_normal(generator: &mut Generator) -> f64 {
    loop {
        let bits = generator.next_u64();
        let layer = (bits & 0xff) as usize;
        let fraction = bits >> 9 & 0x000f_ffff_ffff_ffff;
        let distance = fraction as f64 * f64::from_bits(WIDTH_BITS[layer]);
        let value = if bits >> 8 & 1 == 1 { -distance } else { distance };
        if fraction < ACCEPT_BELOW[layer] {
            return value;
        }
        if layer == 0 {
            let tail = tail(generator);
            return if fraction >> 8 & 1 == 1 { -tail } else { tail };
        }
        let [outer, inner] = [DENSITY_BITS[layer - 1], DENSITY_BITS[layer]].map(f64::from_bits);
        if (outer - inner) * generator.random() + inner < (-0.5 * value * value).exp() {
            return value;
        }
    }
}

fn tail(generator: &mut Generator) -> f64 {
    loop {
        let beyond = -INVERSE_TAIL * (-generator.random()).ln_1p();
        let height = -(-generator.random()).ln_1p();
        if height + height > beyond * beyond {
            return TAIL + beyond;
        }
    }
}
