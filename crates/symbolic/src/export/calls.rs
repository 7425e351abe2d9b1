//! What a language calls the functions: one table a language, and one way to read it.

use super::code::{Code, Level, call, chained};
use crate::expression::Operator;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The functions of a language, by their names in C: `asin`, `pow`, and `power` for a whole exponent.
pub(super) struct Language {
    /// What names of its own library begin with: `libm::`.
    pub library: &'static str,
    /// What they end with: `f` for the single precision of C.
    pub suffix: &'static str,
    /// Functions that its library calls by another name.
    pub renamed: &'static [(&'static str, &'static str)],
    /// What names of helpers begin with.
    pub prefix: &'static str,
    /// Functions that it does not have, or that mean something else there, with their definitions; each may call those after it.
    pub helpers: &'static [(&'static str, &'static str)],
}

/// The calls of one text, and the helpers that they need.
pub(super) struct Calls {
    language: &'static Language,
    used: RefCell<BTreeSet<&'static str>>,
}

impl Calls {
    pub fn new(language: &'static Language) -> Self {
        Self { language, used: RefCell::default() }
    }

    /// What a function is called.
    fn name(&self, function: &str) -> String {
        let language = self.language;
        if let Some((name, _)) = language.helpers.iter().find(|(name, _)| *name == function) {
            self.used.borrow_mut().insert(name);
            return format!("{}{name}", language.prefix);
        }
        let renamed = language.renamed.iter().find(|(known, _)| *known == function);
        format!("{}{}{}", language.library, renamed.map_or(function, |(_, name)| name), language.suffix)
    }

    /// `base ^ exponent`, `exponent` being whole.
    pub fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        Code::new(format!("{}({}, {exponent})", self.name("power"), base.text), Level::Atom)
    }

    /// Any other power.
    pub fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("{}({}, {})", self.name("pow"), base.text, exponent.text), Level::Atom)
    }

    /// Any operator that is a function of the language, and none of the program's own.
    pub fn call(&self, operator: Operator, operands: &[Code]) -> String {
        let function = match operator {
            Operator::Min | Operator::Max => return chained(&self.name(operator.name()), operands),
            Operator::Clip => {
                let raised = call(&self.name("max"), &operands[..2]);
                return format!("{}({raised}, {})", self.name("min"), operands[2].text);
            }
            Operator::Arcsin => "asin",
            Operator::Arccos => "acos",
            Operator::Arctan => "atan",
            Operator::Arctanh => "atanh",
            other => other.name(),
        };
        call(&self.name(function), operands)
    }

    /// The definitions of the helpers that were called.
    pub fn helpers(&self) -> String {
        let used = self.used.borrow();
        self.language.helpers.iter().filter(|(name, _)| used.contains(name)).map(|(_, text)| *text).collect()
    }
}
