// Runs the step of the shared library with steps of a pipeline that print what they are given: the file, a script to run in place of
// the step's own or nothing, and settings as name=value.
class Failed extends RuntimeException { Failed(String text) { super(text) } }

def step = new GroovyShell().parse(new File(args[0]))
def environment = []
step.metaClass.withEnv = { List variables, Closure body -> environment = variables; body() }
step.metaClass.error = { String text -> throw new Failed(text) }
step.metaClass.junit = { Map given -> println "junit ${given}" }
step.metaClass.archiveArtifacts = { Map given -> println "archiveArtifacts ${given}" }
step.metaClass.sh = { Map given ->
    def builder = new ProcessBuilder(['sh', '-c', given.script as String]).redirectErrorStream(true)
    environment.each { String one -> def at = one.indexOf('='); builder.environment()[one[0..<at]] = one.substring(at + 1) }
    def process = builder.start()
    print process.inputStream.text
    return process.waitFor()
}
def settings = args.drop(1).collectEntries { String one -> def at = one.indexOf('='); [one[0..<at], one.substring(at + 1)] }
try {
    step.call(settings)
    println 'step passed'
} catch (Failed failed) {
    println "step failed: ${failed.message}"
}
