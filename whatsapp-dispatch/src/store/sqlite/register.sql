
-- What WhatsApp told of numbers, portfolios, templates and media; an empty owner stands for all.
CREATE TABLE note (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (kind, owner, name)
) STRICT, WITHOUT ROWID;
