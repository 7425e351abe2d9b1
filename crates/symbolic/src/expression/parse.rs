//! Reading plain text.
//!
//! ```text
//! sum     = signed (("+" | "-") signed)*
//! signed  = "-" signed | product
//! product = factor (("*" | "/") factor)*
//! factor  = "-" factor | power
//! power   = atom (("^" | "**") ("-" factor | power))?
//! atom    = number | name | "`" any name "`" | name "(" sum ("," sum)* ")" | "(" sum ")" | curve
//! curve   = "curve" "(" sum ";" numbers (";" numbers)* ")"
//! numbers = "-"? number ("," "-"? number)*
//! ```
//!
//! A curve's numbers are its breakpoints, then the coefficients of each piece.
//!
//! A minus sign directly before a number that is not the base of a power belongs to the number.

use super::curve::MAXIMUM_BREAKPOINTS;
use super::{
    CURVE, Curve, Expression, MAXIMUM_DEPTH, MAXIMUM_NODES, Node, Operator, SymbolicError, is_name_part, is_name_start,
};
use std::str::FromStr;

impl FromStr for Expression {
    type Err = SymbolicError;

    fn from_str(text: &str) -> Result<Self, SymbolicError> {
        let mut parser = Parser { text, position: 0, nodes: Vec::new(), nesting: 0 };
        parser.sum()?;
        parser.skip_space();
        if parser.position < text.len() {
            return Err(parser.error("expected an operator or the end"));
        }
        let expression = Self { nodes: parser.nodes };
        expression.check()?;
        Ok(expression)
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset.
    position: usize,
    /// What has been read, in post-order.
    nodes: Vec<Node>,
    /// How deep the recursion is.
    nesting: usize,
}

type Parsed = Result<(), SymbolicError>;

impl Parser<'_> {
    fn sum(&mut self) -> Parsed {
        self.nested(|parser| {
            parser.signed()?;
            let mut terms = 1;
            loop {
                if parser.takes("+") {
                    parser.signed()?;
                } else if parser.takes("-") {
                    parser.negated()?;
                } else {
                    break;
                }
                terms += 1;
            }
            parser.close(Operator::Add, terms)
        })
    }

    fn signed(&mut self) -> Parsed {
        if self.takes("-") { self.negated() } else { self.product(1.0) }
    }

    /// What follows a minus sign in front of a term.
    fn negated(&mut self) -> Parsed {
        if self.plain_number_follows() {
            return self.product(-1.0);
        }
        self.nested(Self::signed)?;
        self.push(Node::Operation(Operator::Negate, 1))
    }

    /// `sign` multiplies the number that the product starts with.
    fn product(&mut self, sign: f64) -> Parsed {
        if sign < 0.0 {
            self.number(sign)?
        } else {
            self.factor()?
        }
        let mut factors = 1;
        loop {
            if !self.follows("**") && self.takes("*") {
                self.factor()?;
                factors += 1;
            } else if self.takes("/") {
                self.close(Operator::Multiply, factors)?;
                self.factor()?;
                self.push(Node::Operation(Operator::Divide, 2))?;
                factors = 1;
            } else {
                return self.close(Operator::Multiply, factors);
            }
        }
    }

    fn factor(&mut self) -> Parsed {
        if !self.takes("-") {
            return self.power();
        }
        if self.plain_number_follows() {
            return self.number(-1.0);
        }
        self.nested(Self::factor)?;
        self.push(Node::Operation(Operator::Negate, 1))
    }

    fn power(&mut self) -> Parsed {
        self.atom()?;
        if self.takes("**") || self.takes("^") {
            self.nested(Self::factor)?;
            self.push(Node::Operation(Operator::Power, 2))?;
        }
        Ok(())
    }

    fn atom(&mut self) -> Parsed {
        self.skip_space();
        match self.rest().chars().next() {
            Some('(') => {
                self.position += 1;
                self.sum()?;
                self.expect(")")
            }
            Some(character) if character.is_ascii_digit() || character == '.' => self.number(1.0),
            Some(character) if is_name_start(character) => self.name(),
            Some('`') => self.quoted_name(),
            Some(_) => Err(self.error("expected a number, a name or `(`")),
            None => Err(self.error("the expression ends where a number, a name or `(` should follow")),
        }
    }

    fn name(&mut self) -> Parsed {
        let start = self.position;
        let length = self.rest().find(|character| !is_name_part(character)).unwrap_or(self.rest().len());
        self.position += length;
        let name = &self.text[start..self.position];
        let operator = Operator::from_name(name).filter(|operator| operator.is_function());
        let is_call = self.follows("(");
        match operator {
            Some(operator) if is_call => self.call(operator, start),
            Some(operator) => {
                let name = operator.name();
                let message = format!("`{name}` is a function: write `{name}(…)`; between backticks it is a variable");
                Err(self.error_at(start, &message))
            }
            None if is_call && name == CURVE => self.curve(start),
            None if is_call => {
                let functions = Operator::ALL.iter().filter(|known| known.is_function()).map(|known| known.name());
                let nearest = kanrl_core::suggest::nearest(name, &functions.collect::<Vec<_>>()).map(str::to_owned);
                let hint = kanrl_core::suggest::did_you_mean(&nearest);
                Err(self.error_at(start, &format!("unknown function `{}`{hint}", shortened(name))))
            }
            None if Operator::from_name(name).is_some() => {
                Err(self
                    .error_at(start, &format!("`{name}` is an operator's name: between backticks it is a variable")))
            }
            None => self.variable(start, name),
        }
    }

    fn quoted_name(&mut self) -> Parsed {
        let start = self.position;
        self.position += 1;
        let Some(length) = self.rest().find('`') else {
            return Err(self.error_at(start, "the name does not end: a backtick is missing"));
        };
        let name = &self.text[self.position..self.position + length];
        self.position += length + 1;
        self.variable(start, name)
    }

    fn variable(&mut self, start: usize, name: &str) -> Parsed {
        super::check_name(name).map_err(|error| self.error_at(start, &error.to_string()))?;
        self.push(Node::Variable(name.into()))
    }

    fn curve(&mut self, start: usize) -> Parsed {
        self.expect("(")?;
        self.sum()?;
        let mut lists = Vec::new();
        while self.takes(";") {
            lists.push(self.numbers()?);
        }
        self.expect(")")?;
        if lists.is_empty() {
            return Err(self.error_at(start, "a curve is written `curve(x; breakpoints; coefficients; …)`"));
        }
        let breakpoints = lists.remove(0);
        let curve = Curve::new(breakpoints, lists).map_err(|error| self.error_at(start, &error.to_string()))?;
        self.push(Node::Curve(curve.into()))
    }

    /// Numbers with commas between them.
    fn numbers(&mut self) -> Result<Vec<f64>, SymbolicError> {
        let mut numbers = Vec::new();
        loop {
            let sign = if self.takes("-") { -1.0 } else { 1.0 };
            numbers.push(sign * self.unsigned_number()?);
            if numbers.len() > MAXIMUM_BREAKPOINTS {
                return Err(self.error(&format!("more than {MAXIMUM_BREAKPOINTS} numbers in a list")));
            }
            if !self.takes(",") {
                return Ok(numbers);
            }
        }
    }

    fn call(&mut self, operator: Operator, start: usize) -> Parsed {
        self.expect("(")?;
        let mut operands = 0;
        loop {
            self.sum()?;
            operands += 1;
            if !self.takes(",") {
                break;
            }
        }
        self.expect(")")?;
        if !operator.accepts(operands) {
            let wanted = match operator.arity() {
                (least, None) => format!("{least} or more operands"),
                (1, _) => "1 operand".to_owned(),
                (least, _) => format!("{least} operands"),
            };
            return Err(self.error_at(start, &format!("`{}` takes {wanted}, not {operands}", operator.name())));
        }
        self.push(Node::Operation(operator, operands))
    }

    /// Whether the next token is a number that is not the base of a power.
    fn plain_number_follows(&mut self) -> bool {
        self.skip_space();
        let length = number_length(self.rest());
        let after = self.rest()[length..].trim_start();
        length > 0 && !after.starts_with('^') && !after.starts_with("**")
    }

    fn number(&mut self, sign: f64) -> Parsed {
        let value = self.unsigned_number()?;
        self.push(Node::Constant(sign * value))
    }

    fn unsigned_number(&mut self) -> Result<f64, SymbolicError> {
        self.skip_space();
        let length = number_length(self.rest());
        let text = &self.rest()[..length];
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.position += length;
                Ok(value)
            }
            Ok(_) => Err(self.error("the number is too large for a double")),
            Err(_) => Err(self.error("expected a number")),
        }
    }

    /// Ends an operation over `operands` operands; a single one stays as it is.
    fn close(&mut self, operator: Operator, operands: usize) -> Parsed {
        if operands > 1 { self.push(Node::Operation(operator, operands)) } else { Ok(()) }
    }

    fn push(&mut self, node: Node) -> Parsed {
        if self.nodes.len() == MAXIMUM_NODES {
            return Err(self.error(&format!("the expression has more than {MAXIMUM_NODES} parts")));
        }
        self.nodes.push(node);
        Ok(())
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        // Parentheses around the whole cost a level of recursion but none of the expression.
        if self.nesting > 2 * MAXIMUM_DEPTH {
            return Err(self.error(&format!("nested more than {MAXIMUM_DEPTH} levels deep")));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn skip_space(&mut self) {
        self.position = self.text.len() - self.rest().trim_start().len();
    }

    fn follows(&mut self, token: &str) -> bool {
        self.skip_space();
        self.rest().starts_with(token)
    }

    fn takes(&mut self, token: &str) -> bool {
        let follows = self.follows(token);
        if follows {
            self.position += token.len();
        }
        follows
    }

    fn expect(&mut self, token: &str) -> Parsed {
        if self.takes(token) { Ok(()) } else { Err(self.error(&format!("expected `{token}`"))) }
    }

    fn error(&self, message: &str) -> SymbolicError {
        self.error_at(self.position, message)
    }

    fn error_at(&self, position: usize, message: &str) -> SymbolicError {
        const AROUND: usize = 20;
        let before: Vec<char> = self.text[..position].chars().rev().take(AROUND).collect();
        let after = self.text[position..].chars().take(AROUND);
        let position = self.text[..position].chars().count();
        SymbolicError::Parse {
            message: message.to_owned(),
            position,
            excerpt: before.into_iter().rev().chain(after).collect(),
        }
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Length of the number that `text` starts with, 0 if it starts with none: digits with at most one point, then perhaps
/// an exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    let mut any = length > 0;
    if text[length..].starts_with('.') {
        let fraction = digits(length + 1);
        any |= fraction > 0;
        length += 1 + fraction;
    }
    if !any {
        return 0;
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}
