//! Formulas over whole numbers: no floating point, no library, and a proved bound of the error.
//!
//! Every observation has a range. From the ranges follow those of all intermediate values, rounding included
//! (`kanrl-interval`); from these the format of each, so that nothing can overflow; and from the formats and the tables the error
//! of each, up to the outputs. What comes out is a list of steps over whole numbers ([`Fixed`]) that C and Verilog write down.

mod builder;
mod c;
mod compile;
mod program;
mod smooth;
mod table;
mod verilog;
mod word;

pub use compile::{Fixed, FixedAction, FixedError, FixedInput, FixedOutput, Range, Switch};
pub use word::Word;

impl Fixed {
    /// The program as C99: a header and a source (`policy.h`, `policy.c`). `about` is the comment in front of both.
    pub fn c(&self, about: &str) -> [String; 2] {
        c::c(self, about)
    }

    /// The program as a Verilog module without a clock (`policy.v`), with the comment `about` in front.
    pub fn verilog(&self, about: &str) -> String {
        verilog::verilog(self, about)
    }
}
