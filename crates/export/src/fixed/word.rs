//! The two sizes of numbers that fixed-point code computes with.

/// Size of the numbers that come in and go out; sums and products have twice as many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// 16 bits, with sums and products of 32.
    Q15,
    /// 32 bits, with sums and products of 64.
    Q31,
}

impl Word {
    /// Bits of a word, its sign included.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Q15 => 16,
            Self::Q31 => 32,
        }
    }

    /// Bits that a word has for a number's size.
    pub(super) const fn size(self) -> u32 {
        self.bits() - 1
    }

    /// Bits that a sum or product may have for its size: one is left free, so that half a unit can be added before a shift.
    pub(super) const fn wide_size(self) -> u32 {
        2 * self.bits() - 2
    }

    /// Most bits of a factor: products of 32-bit factors are one instruction where 64-bit ones are several.
    pub(super) const fn factor_size(self) -> u32 {
        match self {
            Self::Q15 => self.wide_size(),
            Self::Q31 => self.size(),
        }
    }

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Q15 => "q15",
            Self::Q31 => "q31",
        }
    }
}
