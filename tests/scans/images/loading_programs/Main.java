import java.nio.file.*; import java.util.*;
public class Main { public static void main(String[] a) throws Exception {
 new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(new HashMap<>());
 StringBuilder b=new StringBuilder("["); String sep="";
 for (String p: System.getProperty("java.class.path").split(":")) if (p.endsWith(".jar")) { b.append(sep).append("\"").append(Paths.get(p).toRealPath()).append("\""); sep=","; }
 for (String l: Files.readAllLines(Paths.get("/proc/self/maps"))) { String[] c=l.split("\\s+",6); if (c.length>5 && c[5].startsWith("/") && c[1].contains("x")) { b.append(sep).append("\"").append(c[5]).append("\""); sep=","; } }
 System.out.println(b.append("]")); } }
