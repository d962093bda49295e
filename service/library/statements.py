"""The tables of a library's database, and what is asked of them (:mod:`service.library.state`)."""

# Names are bytes: those of files need not be text.
TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    file BLOB PRIMARY KEY,
    relative BLOB NOT NULL,
    run INTEGER NOT NULL,
    position INTEGER NOT NULL,
    size INTEGER NOT NULL,      -- when it was answered
    modified INTEGER NOT NULL,
    size_now INTEGER NOT NULL,  -- when it was listed last
    modified_now INTEGER NOT NULL,
    recheck INTEGER NOT NULL DEFAULT 0,
    sha256 TEXT,
    slug TEXT,
    detail TEXT
);
CREATE INDEX IF NOT EXISTS files_by_position ON files (run, position);
CREATE INDEX IF NOT EXISTS files_by_relative ON files (relative);
CREATE INDEX IF NOT EXISTS files_by_size ON files (size_now);
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256);
CREATE TABLE IF NOT EXISTS answers (
    sha256 TEXT PRIMARY KEY, models TEXT NOT NULL, answers BLOB NOT NULL
);
"""

LIST = """
INSERT INTO files (
    file, relative, run, position, size, modified, size_now, modified_now, slug, detail
) VALUES (
    :file, :relative, :run, :position, :size, :modified, :size, :modified, :slug, :detail)
ON CONFLICT (file) DO UPDATE SET
    relative = excluded.relative, run = excluded.run, position = excluded.position,
    size_now = excluded.size, modified_now = excluded.modified
WHERE files.run != excluded.run
"""

REDO_CHANGED = """
UPDATE files SET size = size_now, modified = modified_now, recheck = 1,
    sha256 = NULL, slug = NULL, detail = NULL
WHERE run = :run AND (size != size_now OR modified != modified_now)
"""

REDO_PROBLEMS = """
UPDATE files SET size = size_now, modified = modified_now, slug = NULL, detail = NULL
WHERE run = :run AND slug IS NOT NULL
"""

TOUCH = """
UPDATE files SET size = :size, size_now = :size, modified = :modified, modified_now = :modified
WHERE file = :file
"""

# Where it has a problem, all files with the same content have it.
TAKE_DOWN = """
UPDATE files SET sha256 = COALESCE(:sha256, sha256), slug = :slug, detail = :detail, recheck = 0
WHERE file = :file OR (
    :slug IS NOT NULL AND run = :run AND sha256 = (SELECT sha256 FROM files WHERE file = :file))
"""

ANSWER = "INSERT OR REPLACE INTO answers VALUES (:sha256, :models, :answers)"

ANY_ANSWERED = """
SELECT 1 FROM answers UNION ALL SELECT 1 FROM files WHERE slug IS NOT NULL LIMIT 1
"""

PENDING = """
DROP TABLE IF EXISTS temp.pending;
CREATE TEMP TABLE pending (file BLOB NOT NULL)
"""

UNHASHED = """
INSERT INTO pending SELECT file FROM files AS one
WHERE run = :run AND sha256 IS NULL AND slug IS NULL AND (
    recheck OR EXISTS (
        SELECT 1 FROM files AS other WHERE other.size_now = one.size_now AND other.file != one.file
    )
) ORDER BY position
"""

# One file of each content; those that nothing has read yet are contents of their own.
UNANSWERED = """
INSERT INTO pending SELECT file FROM (
    SELECT file, MIN(position) AS first FROM files LEFT JOIN answers USING (sha256)
    WHERE run = :run AND slug IS NULL
        AND (answers.sha256 IS NULL OR (:redo_models AND models != :models))
    GROUP BY COALESCE(sha256, file)
) ORDER BY first
"""

PENDING_PAGE = "SELECT rowid, file FROM pending WHERE rowid > :last ORDER BY rowid LIMIT :count"

ROWS = """
SELECT file, relative, size, modified, files.sha256, slug, detail, answers, position
FROM files LEFT JOIN answers USING (sha256)
WHERE run = :run AND position > :after ORDER BY position LIMIT :count
"""

# Names between two, without a slash or a further dot in their rest.
COUNT_STEM = """
SELECT COUNT(*) FROM files
WHERE run = :run AND relative > :first AND relative < :last
    AND INSTR(SUBSTR(relative, :rest), X'2F') = 0 AND INSTR(SUBSTR(relative, :rest), X'2E') = 0
"""

COUNT_NAME = "SELECT COUNT(*) FROM files WHERE run = :run AND relative = :relative"

COUNT = """
SELECT COUNT(*), COUNT(answers.sha256) FILTER (WHERE slug IS NULL), COUNT(slug),
    COUNT(DISTINCT files.sha256),
    COUNT(*) FILTER (WHERE size != size_now OR modified != modified_now),
    COUNT(*) FILTER (WHERE slug IS NULL AND models != :models)
FROM files LEFT JOIN answers USING (sha256) WHERE run = :run
"""
