use crate::columns::{Cells, Columns, UnknownColumn};

/// What fills one variable: literal text and columns, as in `Hi {first_name|there}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression<C = String>(Vec<Part<C>>);

/// `C` is a column: its name in the source of an expression, its place in a compiled one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<C> {
    Literal(String),
    Column { column: C, default: Option<String> },
}

impl Expression {
    pub(super) fn parse(source: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = source.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.next_if_eq(&c).is_some() => literal.push(c),
                '}' => return Err("a } closes nothing; write }} for the character itself"),
                '{' => {
                    let mut inside = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => {
                                return Err("a { is never closed; write {{ for the character itself");
                            }
                            Some(c) => inside.push(c),
                        }
                    }
                    let (column, default) = match inside.split_once('|') {
                        Some((column, default)) => (column, Some(default.to_owned())),
                        None => (inside.as_str(), None),
                    };
                    let column = column.trim().to_owned();
                    if column.is_empty() {
                        return Err("a pair of braces names no column; write {first_name}");
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Column { column, default });
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if parts.is_empty() {
            return Err("it is empty, and WhatsApp refuses empty parameters");
        }
        Ok(Self(parts))
    }

    pub(super) fn compile(&self, columns: &Columns) -> Result<Expression<usize>, UnknownColumn> {
        let part = |part: &Part<String>| {
            Ok(match part {
                Part::Literal(text) => Part::Literal(text.clone()),
                Part::Column { column, default } => {
                    Part::Column { column: columns.find(column)?, default: default.clone() }
                }
            })
        };
        self.0.iter().map(part).collect::<Result<_, _>>().map(Expression)
    }
}

impl Expression<usize> {
    /// The value, if it is the same for every record.
    pub(super) fn constant(&self) -> Option<String> {
        let literal = |part: &Part<usize>| match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Column { .. } => None,
        };
        self.0.iter().map(literal).collect()
    }

    /// Appends the expression's value to `out`; the place of the column that is empty and has no
    /// default otherwise.
    pub(super) fn write(&self, cells: &Cells, out: &mut String) -> Result<(), usize> {
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Column { column, default } => {
                    match (cells.get(*column).map(str::trim).filter(|cell| !cell.is_empty()), default) {
                        (Some(cell), _) => out.push_str(cell),
                        (None, Some(default)) => out.push_str(default),
                        (None, None) => return Err(*column),
                    }
                }
            }
        }
        Ok(())
    }
}
