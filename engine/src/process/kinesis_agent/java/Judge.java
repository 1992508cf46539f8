import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What java.util.regex says of drawn patterns and texts; judged.txt is its output:
 * java Judge.java > judged.txt
 */
final class Judge {
    private static final String[] ATOMS = {
        "a", "b", "k", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\b", "[a-c]", "[^a]", "[a-z&&[^b]]",
        "[a[0-9]]", "[^\\w-]", "[]a]", "\\R", "\\.", "\\Qa.\\E", "\\x41", "\\u00e9", "é", "\\p{Alpha}", "\\P{L}",
        "\\p{Upper}", "\\p{Punct}", "\\t", "(?i)", "(?s)", "(?m)", "^", "$", "\\Z", "\\z", "\\A", "-", "]", "}", " ",
        "(?=a)", "(?!b)", "(?<=a)", "(?<!k)", "(?i:K)", "\\v", "[\\s&&[^\\n]]",
    };
    private static final String[] COUNTS = {"", "", "", "", "*", "+", "?", "{2}", "{1,2}", "*?", "+?", "??", "++", "*+", "?+"};
    private static final String[] TEXTS = {
        "a", "b", "c", "k", "A", "K", "1", "9", "\u0663", "é", "É", "\u212a", "\u017f", " ", "\t", "\u00a0", ".", "-", "_", "]", "}",
        "\n", "\r", "\r\n", "\u0085", "\u2028", "\u000b",
    };

    private final Random random = new Random(7);
    private int names;

    private <T> T one(T[] of) {
        return of[random.nextInt(of.length)];
    }

    private String pattern(int depth) {
        StringBuilder out = new StringBuilder();
        int parts = 1 + random.nextInt(4);
        for (int part = 0; part < parts; part++) {
            if (part > 0 && random.nextInt(8) == 0) {
                out.append('|');
            }
            String atom = one(ATOMS);
            if (depth > 0 && random.nextInt(3) == 0) {
                String[] kinds = {"(", "(", "(?:", "(?>", "(?<g" + (names++) + ">"};
                // What a round of a loop that takes nothing leaves in a group is not compared.
                out.append(one(kinds)).append(pattern(depth - 1)).append(')').append(random.nextInt(3) == 0 ? "?" : "");
                continue;
            }
            boolean counted = atom.startsWith("(?") || "^$".contains(atom) || atom.matches("\\\\[bAzZ]");
            out.append(atom).append(counted ? "" : one(COUNTS));
        }
        return out.toString();
    }

    private String text() {
        StringBuilder out = new StringBuilder();
        for (int left = random.nextInt(6); left > 0; left--) {
            out.append(one(TEXTS));
        }
        return out.toString();
    }

    private static String quoted(String text) {
        if (text == null) {
            return "null";
        }
        StringBuilder out = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter == '"' || letter == '\\') {
                out.append('\\').append(letter);
            } else if (letter < ' ' || letter > '~') {
                out.append(String.format("\\u%04x", (int) letter));
            } else {
                out.append(letter);
            }
        }
        return out.append('"').toString();
    }

    private static String list(List<String> texts) {
        List<String> out = new ArrayList<>();
        texts.forEach(text -> out.add(quoted(text)));
        return "[" + String.join(",", out) + "]";
    }

    public static void main(String[] args) {
        Judge judge = new Judge();
        int made = 0;
        while (made < 1500) {
            String text = judge.pattern(1);
            Pattern pattern;
            try {
                pattern = Pattern.compile(text);
            } catch (PatternSyntaxException error) {
                continue;
            }
            made++;
            for (int round = 0; round < 3; round++) {
                String on = judge.text();
                Matcher matcher = pattern.matcher(on);
                String groups = "null";
                if (matcher.matches()) {
                    List<String> found = new ArrayList<>();
                    for (int group = 1; group <= matcher.groupCount(); group++) {
                        found.add(matcher.group(group));
                    }
                    groups = list(found);
                }
                System.out.println("[" + quoted(text) + "," + quoted(on) + "," + groups + "," + list(List.of(pattern.split(on))) + "]");
            }
        }
    }
}
