//! NumPy's random numbers, bit for bit: Gymnasium's seeded resets and action samples depend on them.
//!
//! ```
//! use kanrl_core::random::Generator;
//!
//! // numpy.random.default_rng(0).random() and .integers(5, 10)
//! assert_eq!(Generator::new(0).random(), 0.6369616873214543);
//! assert_eq!(Generator::new(0).integers(5, 10), 9);
//! ```

mod seed_sequence;
mod space;
mod ziggurat;
mod ziggurat_tables;

pub use seed_sequence::SeedSequence;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// `numpy.random.Generator(PCG64(SeedSequence(seed)))`.
///
/// Every method draws the same bits as NumPy 2's method of the same name, so a sequence of calls gives the same numbers.
#[derive(Clone, Debug)]
pub struct Generator {
    bits: Pcg64,
    /// The high half of a 64-bit draw whose low half went to a 32-bit consumer; it survives 64-bit draws in between.
    upper_half: Option<u32>,
}

impl Generator {
    /// `numpy.random.default_rng(seed)`.
    pub fn new(seed: u64) -> Self {
        Self::from_seed_sequence(&SeedSequence::new(seed))
    }

    /// `numpy.random.Generator(numpy.random.PCG64(seed_sequence))`.
    pub fn from_seed_sequence(seed_sequence: &SeedSequence) -> Self {
        let mut words = [0; 4];
        seed_sequence.generate_u64(&mut words);
        let [state_high, state_low, stream_high, stream_low] = words.map(u128::from);
        let bits = Pcg64::new(state_high << 64 | state_low, stream_high << 64 | stream_low);
        Self { bits, upper_half: None }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// 32 random bits: the low half of a 64-bit draw, at the next call its high half.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.upper_half.take() {
            return half;
        }
        let both = self.next_u64();
        self.upper_half = Some((both >> 32) as u32);
        both as u32
    }

    /// A number in `[0, 1)`, a multiple of 2⁻⁵³.
    #[inline]
    pub fn random(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// A number in `[low, high)` (in `[low, high]` where rounding reaches the upper end).
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random()
    }

    /// An integer in `[low, high)`, without bias (Lemire's method: 32 bits are drawn where they suffice, else 64).
    ///
    /// # Panics
    /// If `low >= high`.
    pub fn integers(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "integers({low}, {high}): the range is empty");
        let largest = high.wrapping_sub(low).wrapping_sub(1) as u64;
        low.wrapping_add(self.below_or_equal(largest) as i64)
    }

    /// Shuffles in place, uniformly over all orders.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.masked_below_or_equal(last as u64) as usize;
            values.swap(last, other);
        }
    }

    /// The numbers `0..count` in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// A draw from the standard normal distribution.
    pub fn standard_normal(&mut self) -> f64 {
        ziggurat::standard_normal(self)
    }

    /// A draw from the normal distribution of that mean and standard deviation.
    pub fn normal(&mut self, mean: f64, standard_deviation: f64) -> f64 {
        mean + standard_deviation * self.standard_normal()
    }

    /// An unbiased integer in `[0, largest]` by masking and rejection: what NumPy shuffles with.
    fn masked_below_or_equal(&mut self, largest: u64) -> u64 {
        let mask = u64::MAX >> largest.leading_zeros();
        loop {
            let bits = if largest > u64::from(u32::MAX) { self.next_u64() } else { u64::from(self.next_u32()) };
            if bits & mask <= largest {
                return bits & mask;
            }
        }
    }

    /// An unbiased integer in `[0, largest]`.
    fn below_or_equal(&mut self, largest: u64) -> u64 {
        match largest {
            0 => 0,
            u64::MAX => self.next_u64(),
            _ => match u32::try_from(largest) {
                Ok(u32::MAX) => u64::from(self.next_u32()),
                Ok(largest) => u64::from(self.below_or_equal_u32(largest)),
                Err(_) => self.below_or_equal_u64(largest),
            },
        }
    }

    /// Lemire, "Fast Random Integer Generation in an Interval" (<https://doi.org/10.1145/3230636>), for `largest < 2³² - 1`.
    fn below_or_equal_u32(&mut self, largest: u32) -> u32 {
        let range = u64::from(largest) + 1;
        let mut product = u64::from(self.next_u32()) * range;
        if u64::from(product as u32) < range {
            let threshold = u64::from(u32::MAX - largest) % range;
            while u64::from(product as u32) < threshold {
                product = u64::from(self.next_u32()) * range;
            }
        }
        (product >> 32) as u32
    }

    /// The same with 64-bit draws, for `largest < 2⁶⁴ - 1`.
    fn below_or_equal_u64(&mut self, largest: u64) -> u64 {
        let range = u128::from(largest) + 1;
        let mut product = u128::from(self.next_u64()) * range;
        if u128::from(product as u64) < range {
            let threshold = u128::from(u64::MAX - largest) % range;
            while u128::from(product as u64) < threshold {
                product = u128::from(self.next_u64()) * range;
            }
        }
        (product >> 64) as u64
    }
}
