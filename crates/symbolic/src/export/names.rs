//! How a variable's name is written: greek letters, dots for derivatives, subscripts. A name that is not made of letters,
//! digits and underscores, such as `pole angle (rad)`, is written as it is.

use crate::expression::is_plain_name;

/// Greek letters by their English names, which are LaTeX's as well.
const GREEK: [(&str, char); 34] = [
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ϵ'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("pi", 'π'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'ϕ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'Γ'),
    ("Delta", 'Δ'),
    ("Theta", 'Θ'),
    ("Lambda", 'Λ'),
    ("Xi", 'Ξ'),
    ("Pi", 'Π'),
    ("Sigma", 'Σ'),
    ("Upsilon", 'Υ'),
    ("Phi", 'Φ'),
    ("Psi", 'Ψ'),
    ("Omega", 'Ω'),
];

/// Functions that a name may apply to a variable, as in `cos_theta`.
const FUNCTIONS: [&str; 4] = ["cos", "sin", "tan", "tanh"];

/// A name taken apart: `sin_theta_1_dot` is sin of the first derivative of θ with subscript 1.
#[derive(Debug, PartialEq)]
pub(super) struct Symbol<'a> {
    /// Applied to all the rest.
    pub function: Option<&'a str>,
    /// `theta`
    pub base: &'a str,
    /// Derivatives by time: 0, 1 or 2.
    pub dots: usize,
    /// `1`; words otherwise.
    pub subscripts: Vec<&'a str>,
}

impl<'a> Symbol<'a> {
    /// Takes a name apart. Different names give different symbols.
    pub(super) fn new(name: &'a str) -> Self {
        let plain = Self { function: None, base: name, dots: 0, subscripts: Vec::new() };
        if !is_plain_name(name) {
            return plain;
        }
        let mut parts: Vec<&str> = name.split('_').collect();
        // Empty parts (leading, doubled or trailing underscores) would be lost on the way.
        if parts.iter().any(|part| part.is_empty()) {
            return plain;
        }
        let mut dots = 0;
        match parts[..] {
            [_, .., "ddot"] => dots = 2,
            [_, .., "dot"] => dots = 1,
            _ => {}
        }
        parts.truncate(parts.len() - usize::from(dots > 0));
        let function = FUNCTIONS.into_iter().find(|function| parts.len() > 1 && parts[0] == *function);
        if function.is_some() {
            parts.remove(0);
        }
        Self { function, base: parts[0], dots, subscripts: parts.split_off(1) }
    }

    /// Whether the base is a whole name that is not a word.
    pub(super) fn is_as_written(&self) -> bool {
        !is_plain_name(self.base)
    }

    /// As LaTeX: `\dot{\theta}_{1}`.
    pub(super) fn latex(&self) -> String {
        let mut text = if self.is_as_written() { latex_text(&as_written(self.base)) } else { latex_word(self.base) };
        match self.dots {
            1 => text = format!(r"\dot{{{text}}}"),
            2 => text = format!(r"\ddot{{{text}}}"),
            _ => {}
        }
        if !self.subscripts.is_empty() {
            let subscripts: Vec<String> = self.subscripts.iter().map(|part| latex_word(part)).collect();
            text = format!("{text}_{{{}}}", subscripts.join(r"\,"));
        }
        match self.function {
            Some(function) => format!(r"\{function}{{{text}}}"),
            None => text,
        }
    }

    /// As text for a terminal: `θ̇₁`.
    pub(super) fn unicode(&self) -> String {
        let mut text = unicode_word(self.base);
        match self.dots {
            // The combining mark goes on the last character, so that only single letters carry one.
            1 if text.chars().count() == 1 => text.push('\u{307}'),
            2 if text.chars().count() == 1 => text.push('\u{308}'),
            1 => text.push_str("_dot"),
            2 => text.push_str("_ddot"),
            _ => {}
        }
        for part in &self.subscripts {
            if part.chars().all(|character| character.is_ascii_digit()) {
                text.extend(part.bytes().map(|digit| char::from_u32(0x2080 + u32::from(digit - b'0')).unwrap_or('?')));
            } else {
                text.push('_');
                text.push_str(&unicode_word(part));
            }
        }
        match self.function {
            Some(function) => format!("{function}_{text}"),
            None => text,
        }
    }
}

pub(super) fn greek(word: &str) -> Option<char> {
    GREEK.iter().find(|(name, _)| *name == word).map(|(_, letter)| *letter)
}

pub(super) fn greek_name(letter: char) -> Option<&'static str> {
    GREEK.iter().find(|(_, known)| *known == letter).map(|(name, _)| *name)
}

/// A name that is not a word, with quotation marks where it would be taken for a number.
pub(super) fn as_written(name: &str) -> String {
    if name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        name.to_owned()
    } else {
        format!("“{name}”")
    }
}

/// A text that is not mathematics.
pub(super) fn latex_text(text: &str) -> String {
    let escaped = text.chars().fold(String::new(), |text, character| match character {
        '\\' => text + r"\textbackslash{}",
        '^' => text + r"\textasciicircum{}",
        '~' => text + r"\textasciitilde{}",
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => text + r"\" + character.encode_utf8(&mut [0; 4]),
        other => text + other.encode_utf8(&mut [0; 4]),
    });
    format!(r"\text{{{escaped}}}")
}

fn latex_word(word: &str) -> String {
    if greek(word).is_some() {
        return format!(r"\{word}");
    }
    if let Some(name) = word.chars().next().filter(|letter| word.len() == letter.len_utf8()).and_then(greek_name) {
        return format!(r"\{name}");
    }
    // A letter with a number right behind it, such as x2, has the number as its subscript.
    let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
    if letters.chars().count() == 1 && letters.len() < word.len() {
        return format!("{letters}_{{{}}}", &word[letters.len()..]);
    }
    if word.chars().count() == 1 || letters.is_empty() {
        return word.to_owned();
    }
    format!(r"\mathrm{{{}}}", word.replace('_', r"\_"))
}

pub(super) fn unicode_word(word: &str) -> String {
    greek(word).map_or_else(|| word.to_owned(), String::from)
}
