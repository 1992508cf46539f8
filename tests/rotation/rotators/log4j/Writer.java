import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** A busy service as writer.py is one, by log4j2: ends with its standard input, then says how many lines it wrote. */
class Writer {
    private static volatile boolean ended;

    public static void main(String[] args) throws Exception {
        Thread input = new Thread(() -> {
            try {
                System.in.readAllBytes();
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
            ended = true;
        });
        input.setDaemon(true);
        input.start();
        Logger log = LogManager.getRootLogger();
        int count = 0;
        while (!ended) {
            for (int i = 0; i < 10; i++) {
                log.info("app.log line " + count++);
            }
            Thread.sleep(2);
        }
        // Waits for what is compressed in the background.
        LogManager.shutdown();
        System.out.println(count);
    }
}
