use super::Variables;

/// A text with variables in double braces, such as `Hi {{1}}!` or `Hi {{first_name}}!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pieces: Vec<Piece>,
    pub(super) variables: Variables,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// The variable at this place among the text's variables.
    Variable(usize),
}

impl Text {
    /// Finds the variables of a text.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut rest = source;
        while let Some((literal, opened)) = rest.split_once("{{") {
            let (name, after) =
                opened.split_once("}}").ok_or("a {{ is never closed; write {{1}} or {{first_name}}")?;
            let name = name.trim();
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            pieces.push(Piece::Variable(place));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        let variables = Variables::of(&names)?;
        if let Variables::Positional(_) = variables {
            for piece in &mut pieces {
                if let Piece::Variable(place) = piece {
                    let number: usize = names.get(*place).and_then(|name| name.parse().ok()).unwrap_or(1);
                    *place = number - 1;
                }
            }
        }
        Ok(Self { pieces, variables })
    }

    pub(super) fn begins_or_ends_with_variable(&self) -> bool {
        let is_blank = |piece: &&Piece| matches!(piece, Piece::Literal(text) if text.trim().is_empty());
        let outer =
            [self.pieces.iter().find(|p| !is_blank(p)), self.pieces.iter().rev().find(|p| !is_blank(p))];
        outer.into_iter().flatten().any(|piece| matches!(piece, Piece::Variable(_)))
    }

    /// Characters of the text without its variables.
    pub(super) fn literal_chars(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.chars().count(),
                Piece::Variable(_) => 0,
            })
            .sum()
    }

    /// How often each variable occurs.
    pub(super) fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.variables.len()];
        for piece in &self.pieces {
            if let Piece::Variable(place) = piece
                && let Some(count) = uses.get_mut(*place)
            {
                *count += 1;
            }
        }
        uses
    }

    pub(super) fn render(&self, values: &[&str]) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.as_str(),
                Piece::Variable(place) => values.get(*place).copied().unwrap_or_default(),
            })
            .collect()
    }
}
