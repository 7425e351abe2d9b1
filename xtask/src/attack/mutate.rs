//! Files that are almost what they should be.

/// SplitMix64: an attack is repeated by its seed.
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Numbers that are put instead of others in text.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "4000000000",
    "18446744073709551616",
    "1e308",
    "1e999",
    "nan",
    "-inf",
    "0.0000000000000000001",
    "\"\"",
    "[]",
    "99999999999999999999999999999999999999999999",
];
/// Lengths and offsets that are put into binary files.
const LENGTHS: [u64; 8] = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, u64::MAX];

/// A mutation of `base`; `other` is another file of its kind.
pub fn mutate(generator: &mut Generator, base: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for _ in 0..=generator.below(3) {
        let is_text = std::str::from_utf8(&bytes).is_ok();
        match generator.below(if is_text { 12 } else { 9 }) {
            0 => flip(generator, &mut bytes),
            1 => bytes.truncate(generator.below(bytes.len())),
            2 => overwrite(generator, &mut bytes),
            3 => block(generator, &mut bytes, |block| block.fill(0)),
            4 => block(generator, &mut bytes, |block| block.fill(0xFF)),
            5 => block(generator, &mut bytes, <[u8]>::reverse),
            6 => repeat(generator, &mut bytes),
            7 => {
                // The beginning of one and the end of the other.
                bytes.truncate(generator.below(bytes.len()));
                bytes.extend_from_slice(&other[generator.below(other.len())..]);
            }
            8 => {
                let place = generator.below(bytes.len());
                bytes.drain(place..(place + 1 + generator.below(64)).min(bytes.len()));
            }
            9 | 10 => number(generator, &mut bytes),
            _ => nest(generator, &mut bytes),
        }
    }
    bytes
}

fn flip(generator: &mut Generator, bytes: &mut [u8]) {
    if !bytes.is_empty() {
        let place = generator.below(bytes.len());
        bytes[place] ^= 1 << generator.below(8);
    }
}

fn overwrite(generator: &mut Generator, bytes: &mut [u8]) {
    let length = generator.pick(&LENGTHS).to_le_bytes();
    let size = *generator.pick(&[1, 2, 4, 8]);
    let place = generator.below(bytes.len());
    let end = (place + size).min(bytes.len());
    bytes[place..end].copy_from_slice(&length[..end - place]);
}

fn block(generator: &mut Generator, bytes: &mut [u8], change: impl Fn(&mut [u8])) {
    let place = generator.below(bytes.len());
    let end = (place + 1 + generator.below(256)).min(bytes.len());
    change(&mut bytes[place..end]);
}

fn repeat(generator: &mut Generator, bytes: &mut Vec<u8>) {
    let place = generator.below(bytes.len());
    let end = (place + 1 + generator.below(512)).min(bytes.len());
    let block = bytes[place..end].repeat(1 + generator.below(200));
    bytes.splice(end..end, block);
}

/// Another number instead of one in text.
fn number(generator: &mut Generator, bytes: &mut Vec<u8>) {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b".-+e".contains(byte);
    let from = generator.below(bytes.len());
    let Some(place) = bytes[from..].iter().position(u8::is_ascii_digit).map(|place| from + place) else { return };
    let end = place + bytes[place..].iter().take_while(|byte| is_part(byte)).count();
    bytes.splice(place..end, generator.pick(&NUMBERS).bytes());
}

/// Deep brackets somewhere in text.
fn nest(generator: &mut Generator, bytes: &mut Vec<u8>) {
    let place = generator.below(bytes.len());
    let deep = generator.pick(&["[", "(", "{\"a\":", "-", "sin("]).repeat(20_000);
    bytes.splice(place..place, deep.into_bytes());
}
