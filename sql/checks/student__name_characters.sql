-- 6.5: Han with its extensions, Latin letters with marks, the middle dot, hyphen, apostrophe and single inner spaces, 2 to
-- 50 characters. Digits, question marks, U+FFFD and private-use slots are what a lost character leaves behind; Latin letters
-- that touch Han are what a name in another encoding becomes (Pérez, read as GBK, has 閞 in it).
select source_system, source_row
from student
where not regexp_matches(
    name,
    '^[A-Za-z\x{00C0}-\x{00D6}\x{00D8}-\x{00F6}\x{00F8}-\x{024F}\x{0300}-\x{036F}\x{1E00}-\x{1EFF}'
    || '\x{3007}\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}\x{20000}-\x{323AF}\x{00B7}\x{2019}'' -]{2,50}$'
) or contains(name, '  ') or regexp_matches(
    name,
    '[A-Za-z\x{00C0}-\x{024F}\x{1E00}-\x{1EFF}][\x{3007}\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{20000}-\x{323AF}]'
    || '|[\x{3007}\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{20000}-\x{323AF}][A-Za-z\x{00C0}-\x{024F}\x{1E00}-\x{1EFF}]'
)
