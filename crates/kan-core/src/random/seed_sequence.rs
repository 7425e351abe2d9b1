/// `numpy.random.SeedSequence`: turns a seed of any quality into well-mixed words.
///
/// M. O'Neill's `seed_seq` hash with a pool of four 32-bit words, as NumPy has it
/// (<https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html>).
///
/// ```
/// use kanrl_core::random::{Generator, SeedSequence};
///
/// // Two independent streams from one seed: numpy.random.SeedSequence(7).spawn(2)
/// let [first, second] = [0, 1].map(|index| Generator::from_seed_sequence(&SeedSequence::new(7).child(index)));
/// # let (mut first, mut second) = (first, second);
/// assert_ne!(first.random(), second.random());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSequence {
    seed: u64,
    spawn_key: Vec<u32>,
    pool: [u32; 4],
}

impl SeedSequence {
    /// `SeedSequence(seed)`.
    pub fn new(seed: u64) -> Self {
        Self::with_spawn_key(seed, Vec::new())
    }

    /// `SeedSequence(seed).spawn(n)[index]`: an independent sequence for each index.
    #[must_use]
    pub fn child(&self, index: u32) -> Self {
        let mut spawn_key = self.spawn_key.clone();
        spawn_key.push(index);
        Self::with_spawn_key(self.seed, spawn_key)
    }

    fn with_spawn_key(seed: u64, spawn_key: Vec<u32>) -> Self {
        let mut entropy = vec![seed as u32];
        entropy.extend(Some((seed >> 32) as u32).filter(|high| *high != 0));
        if !spawn_key.is_empty() {
            // NumPy pads the seed so that no seed and key together look like another seed.
            entropy.resize(4, 0);
            entropy.extend(&spawn_key);
        }
        let pool = mix_entropy(&entropy);
        Self { seed, spawn_key, pool }
    }

    /// Fills `words` as `generate_state(words.len(), numpy.uint32)` does.
    pub fn generate_u32(&self, words: &mut [u32]) {
        let mut hash = Hash { constant: 0x8b51_f9dd, multiplier: 0x58f3_8ded };
        for (word, entropy) in words.iter_mut().zip(self.pool.iter().cycle()) {
            *word = hash.next(*entropy);
        }
    }

    /// Fills `words` as `generate_state(words.len(), numpy.uint64)` does.
    pub fn generate_u64(&self, words: &mut [u64]) {
        let mut hash = Hash { constant: 0x8b51_f9dd, multiplier: 0x58f3_8ded };
        let mut pool = self.pool.iter().cycle().map(|entropy| u64::from(hash.next(*entropy)));
        for word in words {
            let low = pool.next().expect("the pool cycles");
            *word = low | pool.next().expect("the pool cycles") << 32;
        }
    }
}

fn mix_entropy(entropy: &[u32]) -> [u32; 4] {
    let mut hash = Hash { constant: 0x43b0_d7e5, multiplier: 0x931e_8875 };
    let mut pool: [u32; 4] = std::array::from_fn(|index| hash.next(entropy.get(index).copied().unwrap_or(0)));
    for source in 0..pool.len() {
        for target in (0..pool.len()).filter(|target| *target != source) {
            pool[target] = mix(pool[target], hash.next(pool[source]));
        }
    }
    for source in entropy.iter().skip(pool.len()) {
        for target in &mut pool {
            *target = mix(*target, hash.next(*source));
        }
    }
    pool
}

/// A multiplicative hash whose constant moves on with every value.
struct Hash {
    constant: u32,
    multiplier: u32,
}

impl Hash {
    fn next(&mut self, value: u32) -> u32 {
        let value = value ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.multiplier);
        let value = value.wrapping_mul(self.constant);
        value ^ value >> 16
    }
}

fn mix(x: u32, y: u32) -> u32 {
    let mixed = x.wrapping_mul(0xca01_f9dd).wrapping_sub(y.wrapping_mul(0x4973_f715));
    mixed ^ mixed >> 16
}
